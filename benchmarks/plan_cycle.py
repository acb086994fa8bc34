# SPDX-License-Identifier: Apache-2.0
"""Plan cycle: a planner's whole turn, on a cluster that tells of itself.

What hosts would have reported of the cluster, and hours of use that follow
the day, go in as records; timed is what a planner does with them from there
on, without the bus.
"""

import collections
import math
import time
from collections.abc import Iterator

import msgspec
import numpy as np

from benchmarks import report
from kvm_insight.model import cluster, entity, host_report, usage
from kvm_insight.recommend import (
    expectation,
    facts,
    limits,
    overlay,
    turn,
    world,
)

_STEPS = 24

Residents = dict[str, list[cluster.Instance]]


def measured(
    whole: cluster.Cluster, hours: int, dice: np.random.Generator
) -> dict[str, float]:
    """Return how long the first cycle of an hour takes, when all forecasts
    are made, and how long those after it, in seconds."""
    residents: Residents = collections.defaultdict(list)
    for one in whole.instances:
        residents[one.host].append(one)
    seen = world.World(hours)
    for host in whole.hosts:
        if host.load is not None:
            seen.reports[host.name] = _told(host, residents[host.name])
        for hour in _hours(host, residents[host.name], whole, hours, dice):
            seen.history.take(hour)
            seen.host_hours.take(hour)
    report.say(f'{hours} hours of use of {len(whole.instances)} domains')
    expected = expectation.Expectation()
    times = [_cycle(whole, seen, expected, is_new) for is_new in (True, False)]
    return {
        'cycle_with_new_forecasts_s': times[0],
        'cycle_s': times[1],
        'hours_of_use': hours,
    }


def _cycle(
    whole: cluster.Cluster,
    seen: world.World,
    expected: expectation.Expectation,
    is_new: bool,
) -> float:
    """Return how long one cycle takes; facts are told with a new hour."""
    bounds = limits.Limits()
    begin = time.perf_counter()
    fresh = overlay.fresh(seen.reports, whole.time_us, bounds.rules.stale_s)
    outlook = expected.outlook(
        seen.history, fresh, seen.outlooks, whole.time_us
    )
    said = turn.taken(whole, seen, whole.time_us, bounds, outlook.peaks)
    if is_new:
        facts.new(whole, seen, True)
    took_s = time.perf_counter() - begin
    report.say(
        f'{took_s:.2f} s: {len(said.recommendations)} recommendations,'
        f' {sum(map(bool, outlook.peaks.values()))} forecasts,'
        f' {said.reasons or "planned"}'
    )
    return took_s


def _told(
    host: cluster.Host, inside: list[cluster.Instance]
) -> host_report.HostReport:
    load = host.load
    assert load is not None
    blamed = [
        host_report.Blamed(
            entity=entity.domain(one.uuid), blame=0.9, excess_cores=1.0
        )
        for one in inside
        if one.load is not None and one.load.caused_cores > 0
    ]
    own = load.own_cores or 0.0
    used_bytes = load.memory_used_bytes or 0
    memory_bytes = load.memory_bytes or used_bytes
    return host_report.HostReport(
        host=host.name,
        time_us=load.time_us,
        agent_id='agent',
        sequence=1,
        window_s=120,
        cpus=round(load.capacity_cores + own),
        wanted_cores=load.used_cores,
        own_cores=own,
        lost_cores=load.lost_cores,
        memory_bytes=memory_bytes,
        memory_available_bytes=memory_bytes - used_bytes,
        hurts=[
            host_report.Hurt(
                finding_id=one.load.findings[0],
                resource='cpu',
                victim=entity.domain(one.uuid),
                verdict=one.load.verdict,
                aggressors=blamed,
                confidence=0.9,
                severity_cores=one.load.lost_cores,
                opened_us=load.time_us,
            )
            for one in inside
            if one.load is not None and one.load.verdict is not None
        ],
        instances=[
            host_report.Instance(
                uuid=one.uuid,
                name=one.name,
                project_id=one.project_id,
                state='running',
                vcpus=_vcpus(one),
                wanted_cores=one.load.used_cores if one.load else None,
                memory_bytes=one.memory_bytes,
            )
            for one in inside
        ],
    )


def _hours(
    host: cluster.Host,
    inside: list[cluster.Instance],
    whole: cluster.Cluster,
    count: int,
    dice: np.random.Generator,
) -> Iterator[usage.HostUsage]:
    """Yield hours that all end before now; each day is like the last."""
    last = whole.time_us // usage.HOUR_US
    day = [_hour(host, inside, step, dice) for step in range(_STEPS)]
    for hour in range(last - count, last):
        start_us = hour * usage.HOUR_US
        yield msgspec.structs.replace(day[hour % _STEPS], start_us=start_us)


def _hour(
    host: cluster.Host,
    inside: list[cluster.Instance],
    step: int,
    dice: np.random.Generator,
) -> usage.HostUsage:
    level = 0.85 + 0.15 * math.sin(2 * math.pi * step / _STEPS)
    cpus = round(host.load.capacity_cores) if host.load else 1
    return usage.HostUsage(
        host=host.name,
        start_us=0,
        agent_id='agent',
        first_sequence=0,
        last_sequence=0,
        measured_us=usage.HOUR_US,
        cpus=cpus,
        instances=[_used(one, level, dice) for one in inside],
    )


def _used(
    one: cluster.Instance, level: float, dice: np.random.Generator
) -> usage.Instance:
    cores = level * (one.load.used_cores if one.load else 0.0)
    noise = dice.lognormal(0.0, 0.1, usage.PARTS) * cores * usage.PART_US
    wanted_us = noise.astype(np.int64).tolist()
    return usage.Instance(
        uuid=one.uuid,
        name=one.name,
        project_id=one.project_id,
        flavor=one.flavor.name if one.flavor else None,
        vcpus=_vcpus(one),
        cpu=usage.Cpu(
            measured_us=usage.HOUR_US,
            run_us=sum(wanted_us),
            parts=[(usage.PART_US, wanted) for wanted in wanted_us],
            histogram=[(usage.bin_of(cores), 36_000)],
        ),
    )


def _vcpus(one: cluster.Instance) -> int:
    return one.flavor.vcpus or 1 if one.flavor else 1
