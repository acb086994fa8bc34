# SPDX-License-Identifier: Apache-2.0
"""Activity: whether one who is named still does what it is named for."""

from kvm_insight.detect import evidence, settings, suffering
from kvm_insight.model import entity, window


def goes_on(
    who: str,
    now: window.Values,
    interval_us: int,
    host: evidence.Host,
    rules: settings.Settings,
) -> bool:
    """Say whether one uses more than is its own, in one interval."""
    running = host.running.get(who)
    if running is not None and running.minutes >= rules.run_minutes:
        ran_us = max(0, now.run_us - max(0, now.poll_us))
        rise = ran_us / interval_us - running.median
        return rise > rules.least_excess
    if who == entity.HOST or entity.uuid_of(who) is not None:
        allowed = host.entitled.get(who, 0.0)
        usual = host.usual.get(who)
        if usual is not None and usual.known:
            allowed = max(allowed, usual.median)
    else:
        allowed = rules.host_reserve
    wanted_us = suffering.offered(
        now.run_us, now.delay_us, max(0, now.poll_us)
    )
    cores = (wanted_us - max(0, now.throttled_us)) / interval_us
    return cores > allowed + rules.least_excess or cores >= rules.full_speed
