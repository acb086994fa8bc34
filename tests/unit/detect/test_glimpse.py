# SPDX-License-Identifier: Apache-2.0
"""What an analyzer shows of the hosts that it follows."""

from kvm_insight.detect import glimpse, settings, shard
from kvm_insight.model import codec
from tests.scenario import fair


def test_open_findings_and_what_hosts_lose_are_shown() -> None:
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,)),
        fair.Guest('noisy', ((90, 0), (120, 1.0)), (0,)),
        fair.Guest('other', ((1, 0.6),), (0, 1)),
    ]
    run = fair.Host(guests, seed=1).samples(480)
    held = shard.Shard(settings.Settings(), 0, 10.0)
    most = 0.0
    for offset, one in enumerate(run):
        held.consume(offset, one.host, codec.encode(one))
        counters = glimpse.Counters(accepted=offset, lag=3)
        seen = glimpse.of([held], counters, 9)
        open_ = sum(seen.open.values())
        assert open_ == len(held.standing(one.host))
        if open_:
            assert {resource for resource, _ in seen.open} == {'cpu'}
        most = max(most, seen.hosts[one.host].lost)
    assert most > 0.1
    assert (seen.lag, seen.accepted, seen.partitions) == (3, offset, 1)
    assert not seen.bus_up


def test_nothing_followed_is_nothing_open() -> None:
    seen = glimpse.of([], glimpse.Counters(), 1)
    assert (dict(seen.open), dict(seen.hosts)) == ({}, {})
