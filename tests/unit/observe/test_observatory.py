# SPDX-License-Identifier: Apache-2.0
"""A whole planted host through the observatory, without any libvirt."""

import pathlib

import pytest

from kvm_insight.model import entity
from kvm_insight.observe import (
    domain,
    hypervisor,
    observatory,
    population,
    roster,
)
from kvm_insight.observe.ledger import port, sampled

from . import planting

PID = 4000
UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'


def test_what_breaks_breaks_alone_and_the_domain_is_whole(
    plant: planting.Plant, tmp_path: pathlib.Path
) -> None:
    """This host has no libvirt, and /proc/stat cannot be read."""
    root = plant('v2_systemd')
    (root / f'proc/{PID}/cmdline').write_bytes(
        f'qemu\0-name\0guest=web\0-uuid\0{UUID}\0'.encode()
    )
    settings = observatory.Settings(
        hypervisor=hypervisor.Settings(
            uri=f'qemu:///system?socket={tmp_path}/none'
        ),
        run_dir=None,
        proc=root / 'proc',
        sysfs=root / 'sys',
        cgroup_root=root / 'sys/fs/cgroup',
    )
    watched = observatory.Observatory(settings, lambda _: sampled.Sampled())
    try:
        watched.start(5.0)
        watched.tick()
        sight = watched.sweep(survey=True)
    finally:
        watched.close()
    assert 'libvirt' in sight.missing
    broken = {c.name for c in sight.collectors if not c.success}
    assert {'libvirt', 'cpu', 'ledger'} <= broken
    assert 'threads' not in broken
    assert sight.ledger is None
    assert sight.system.user_us is None
    (found,) = sight.domains
    assert (found.uuid, found.name, found.state) == (UUID, 'web', 'unknown')
    assert found.vcpus[0].run_us == 90_000_000
    assert found.memory is not None
    assert found.memory.rss_bytes


@pytest.fixture
def followed(
    plant: planting.Plant,
) -> tuple[population.Population, roster.Entry]:
    root = plant('v2_systemd')
    source = planting.source(root)
    found = domain.open_domain(source, PID)
    assert found is not None
    start = int(found.epoch.partition('.')[2])
    return population.Population(source), roster.Entry(UUID, 'web', PID, start)


def test_who_comes_is_followed_and_who_leaves_is_not(
    followed: tuple[population.Population, roster.Entry],
) -> None:
    people, entry = followed
    assert people.update([entry])
    assert not people.update([entry])
    assert PID in people.pids()
    member = people.members()[0]
    assert member.entity == entity.domain(entry.uuid)
    assert isinstance(member, port.Member)
    assert people.update([])
    assert people.members() == []


def test_growth_of_run_delay_needs_two_sweeps_of_one_process(
    followed: tuple[population.Population, roster.Entry],
) -> None:
    people, entry = followed
    people.update([entry])
    first = people.sweep()
    assert len(first) == 1
    assert people.growth(first) == {}
    assert people.growth(people.sweep()) == {entry.uuid: 0}
    # Gone for one sweep: nobody knows what it waited meanwhile.
    assert people.growth([]) == {}
    assert people.growth(people.sweep()) == {}


def test_of_two_processes_with_one_uuid_the_older_is_the_domain(
    followed: tuple[population.Population, roster.Entry],
) -> None:
    people, entry = followed
    late = roster.Entry(entry.uuid, 'web', 1, entry.start + 1)
    people.update([late, entry])
    assert [resident.entry for resident in people] == [entry]


def test_a_domain_that_could_not_be_opened_is_tried_again(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    people = population.Population(planting.source(root))
    entry = roster.Entry(UUID, 'web', PID, 5000)
    (root / f'proc/{PID}').rename(root / 'proc/not-yet')
    assert not people.update([entry])
    (root / 'proc/not-yet').rename(root / f'proc/{PID}')
    assert people.update([entry])
    assert not people.update([entry])
    assert [resident.entry for resident in people] == [entry]
