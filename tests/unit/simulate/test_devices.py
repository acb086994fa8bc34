# SPDX-License-Identifier: Apache-2.0
"""Disk, memory and network: counters that say what the labels judge."""

import functools

import pytest

from kvm_insight.model import entity, sample
from kvm_insight.simulate import label, scenario, simulation

SEED = 1002


@functools.cache
def run_of(kind: str) -> simulation.Simulation:
    scenes = scenario.build(
        kind, SEED, hours=1.2, cpus=8, placement='floating'
    )
    return simulation.Simulation(scenes[0])


@functools.cache
def told(kind: str) -> tuple[label.Labels, list[sample.Sample]]:
    return run_of(kind).labels(), list(run_of(kind).samples())


def busiest(label_: label.Labels) -> label.Episode:
    return max(label_.episodes, key=lambda one: one.end_us - one.start_us)


@pytest.mark.parametrize('kind', ['disk', 'memory', 'network'])
def test_one_guest_is_guilty_of_what_all_suffer(kind: str) -> None:
    found, _ = told(kind)
    guilty = {who for one in found.episodes for who in one.guilty}
    victims = {one.victim for one in found.episodes}
    assert len(guilty) == 1
    assert len(victims) > 2
    assert {one.resource for one in found.episodes} == {kind}


def test_a_guest_beyond_its_own_limit_hurts_nobody() -> None:
    found, _ = told('disk_limit')
    assert {(e.verdict, e.cause) for e in found.episodes} == {
        ('self_inflicted', 'limit')
    }
    assert len({one.victim for one in found.episodes}) == 1


def test_ordinary_use_of_devices_hurts_nobody() -> None:
    assert told('devices_quiet')[0].episodes == []


def _grown(kind: str, part: str, name: str) -> tuple[float, float]:
    """Return a victim's growth per second of a counter, before and while
    it suffers."""
    found, samples = told(kind)
    one = busiest(found)
    victim = next(
        e.victim
        for e in found.episodes
        if entity.domain(e.victim) not in e.guilty
        and e.verdict == 'antagonist'
    )

    def value(at_us: int) -> int:
        made = next(s for s in samples if s.time_us >= at_us)
        domain = next(d for d in made.domains if d.uuid == victim)
        record = getattr(domain, part)
        record = record[0] if isinstance(record, list) else record
        return int(getattr(record, name))

    middle = (one.start_us + one.end_us) // 2
    span = 60_000_000
    before = value(one.start_us - span) - value(one.start_us - 2 * span)
    return before / 60, (value(middle + span) - value(middle)) / 60


def test_requests_take_longer_while_the_disk_is_flooded() -> None:
    quiet_us, busy_us = _grown('disk', 'disks', 'read_us')
    quiet, busy = _grown('disk', 'disks', 'read_requests')
    assert busy_us / busy > 1.9 * quiet_us / quiet


def test_pages_come_back_from_swap_only_beyond_the_cliff() -> None:
    quiet, busy = _grown('memory', 'memory', 'host_major_faults')
    assert quiet == 0
    assert busy > 10
    quiet, busy = _grown('memory', 'pressure', 'memory_full_us')
    assert quiet == 0
    assert busy > 10_000


def test_packets_are_dropped_only_beyond_the_cap() -> None:
    quiet, busy = _grown('network', 'interfaces', 'rx_drops')
    assert quiet == 0
    assert busy > 1


def test_the_host_has_what_its_guests_have_together() -> None:
    _, samples = told('disk')
    last = samples[-1]
    assert last.system.disks is not None
    reads = sum(
        disk.read_requests or 0 for d in last.domains for disk in d.disks or ()
    )
    assert last.system.disks[0].read_requests == reads
