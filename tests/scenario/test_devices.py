# SPDX-License-Identifier: Apache-2.0
"""Disk, memory and network of simulated hosts: who is named, who never is."""

import functools
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
import pytest

from kvm_insight.detect import host, settings
from kvm_insight.model import codec, entity, finding, sample, state
from kvm_insight.simulate import label, scenario, simulation

SEED = 1801
HOURS = 1.0
RESOURCES = ('disk', 'memory', 'network')
Device = TypeVar('Device', sample.Disk, sample.Interface)
#: What makes of a guest's requests one a second; and of its packets 34.
FEW_REQUESTS = 500
FEW_PACKETS = 1000


@functools.cache
def recorded(kind: str) -> tuple[list[sample.Sample], label.Labels]:
    """Return an hour of a small host, and the truth about it."""
    scene = scenario.build(kind, SEED, cpus=4, hours=HOURS)[0]
    run = simulation.Simulation(scene)
    return list(run.samples()), run.labels()


def told(samples: Sequence[sample.Sample]) -> list[finding.Finding]:
    detector = host.Detector(samples[0].host, settings.Settings())
    return [found for one in samples for found in detector.consume(one)]


@functools.cache
def run_of(kind: str) -> list[finding.Finding]:
    return told(recorded(kind)[0])


def named(found: Sequence[finding.Finding]) -> set[str]:
    return {one.party.entity for each in found for one in each.aggressors}


def guilty(kind: str) -> set[str]:
    return {
        who for episode in recorded(kind)[1].episodes for who in episode.guilty
    }


@pytest.mark.parametrize('resource', RESOURCES)
def test_who_takes_it_from_the_others_is_named_and_nobody_else(
    resource: str,
) -> None:
    found = run_of(resource)
    assert guilty(resource)
    assert named(found) == guilty(resource)
    assert {one.resource for one in found} == {resource}
    victims = {one.victim.uuid for one in found if one.aggressors}
    suffered = {
        episode.victim
        for episode in recorded(resource)[1].episodes
        if episode.guilty
    }
    assert victims == suffered
    for one in found:
        assert one.evidence.device
        assert one.verdict in ('antagonist', 'self_inflicted')
        for each in one.aggressors:
            assert each.excess
            assert each.unit
            assert not each.excess_cores


@pytest.mark.parametrize('resource', RESOURCES)
def test_all_at_once_is_nobodys_fault(resource: str) -> None:
    found = run_of(f'{resource}_cron')
    assert found
    assert named(found) == set()
    assert {one.verdict for one in found} <= {'overcommit', 'self_inflicted'}


def test_a_job_of_the_host_is_named_and_no_instance() -> None:
    found = run_of('disk_backup')
    assert named(found) == {entity.service('backup.service')}
    assert {one.verdict for one in found} == {'host_process'}
    assert 'backup.service' in found[0].summary


def test_its_own_limit_is_nobody_elses_fault() -> None:
    found = run_of('disk_limit')
    assert {(one.verdict, one.cause) for one in found} == {
        ('self_inflicted', 'limit')
    }
    assert 'its own limit' in found[0].summary


def test_ordinary_use_of_devices_is_nothing_to_tell() -> None:
    assert run_of('devices_quiet') == []


@pytest.mark.parametrize('resource', RESOURCES)
def test_a_summary_speaks_of_what_was_lost(resource: str) -> None:
    words = {
        'disk': 'times as long as usual for nvme0n1 because of',
        'memory': 'of the time for pages of its memory because of',
        'network': 'of its packets because of',
    }
    first = next(one for one in run_of(resource) if one.aggressors)
    assert words[resource] in first.summary
    assert 'CPU' not in first.summary
    assert 'core' not in first.summary


@pytest.mark.parametrize('resource', RESOURCES)
def test_handed_over_now_and_then_it_tells_the_same(resource: str) -> None:
    samples, _ = recorded(resource)
    rules = settings.Settings()
    detector = host.Detector(samples[0].host, rules)
    found = []
    for number, one in enumerate(samples):
        found += detector.consume(one)
        if number % 23 == 11:
            kept = codec.encode(detector.state())
            detector = host.Detector(samples[0].host, rules)
            detector.restore(codec.decode(kept, state.HostState))
            assert codec.encode(detector.state()) == kept
    assert found == run_of(resource)


def fewer(one: Device, factor: int, names: Iterable[str]) -> Device:
    less = {name: (getattr(one, name) or 0) // factor for name in names}
    return msgspec.structs.replace(one, **less)


def larger(domain: sample.Domain, factor: int) -> sample.Domain:
    """Return a domain whose requests and packets are larger, and fewer."""
    counted = ('read_requests', 'read_us', 'write_requests', 'write_us')
    packets = ('rx_packets', 'rx_drops', 'tx_packets', 'tx_drops')
    return msgspec.structs.replace(
        domain,
        disks=[fewer(one, factor, counted) for one in domain.disks or ()],
        interfaces=[
            fewer(one, factor, packets) for one in domain.interfaces or ()
        ],
    )


@pytest.mark.parametrize(
    ('resource', 'factor'), [('disk', FEW_REQUESTS), ('network', FEW_PACKETS)]
)
def test_who_asks_for_next_to_nothing_loses_nothing_however_large_it_is(
    resource: str, factor: int
) -> None:
    victims = {one.victim.uuid for one in run_of(resource)}
    idle = min(victims, key=str)
    samples = [
        msgspec.structs.replace(
            one,
            domains=[
                larger(each, factor) if each.uuid == idle else each
                for each in one.domains
            ],
        )
        for one in recorded(resource)[0]
    ]
    found = told(samples)
    assert {one.victim.uuid for one in found} == victims - {idle}


def without(domain: sample.Domain, number: int) -> sample.Domain:
    """Return a domain of whom less and less is told."""
    nothing = sample.Disk(name='vda')
    return msgspec.structs.replace(
        domain,
        pressure=None,
        memory=sample.Memory() if number % 2 else None,
        disks=[nothing] if number % 3 else None,
        interfaces=[sample.Interface(name='tap0')] if number % 5 else [],
        libvirt_age_us=None if number % 7 else domain.libvirt_age_us,
    )


@pytest.mark.parametrize('resource', RESOURCES)
@pytest.mark.parametrize('what', ['none', 'alone', 'vanish', 'bare host'])
def test_where_little_is_told_nobody_is_named(
    resource: str, what: str
) -> None:
    samples = []
    for number, one in enumerate(recorded(resource)[0][:240]):
        domains, system = one.domains, one.system
        if what == 'none':
            domains = [without(each, number) for each in domains]
        elif what == 'alone':
            domains = domains[:1]
        elif what == 'vanish':
            domains = domains[number % 3 :] if number % 4 else []
            domains = [without(each, number) for each in domains]
        else:
            domains = [without(each, 1) for each in domains]
            system = sample.System(cpus='')
        samples.append(
            msgspec.structs.replace(one, domains=domains, system=system)
        )
    found = told(samples)
    assert named(found) <= {'host'}
    assert all(one.verdict != 'antagonist' for one in found)
