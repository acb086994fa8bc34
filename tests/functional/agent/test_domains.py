# SPDX-License-Identifier: Apache-2.0
"""Domains that come, go, pause, grow, move and hang, on a real libvirtd."""

import contextlib
import itertools
import os
import random
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lab import daemon, guest

from kvm_insight.model import rates, sample

IDLE = '600:2'


def domain(one: sample.Sample, uuid: str) -> sample.Domain:
    found = [domain for domain in one.domains if domain.uuid == uuid]
    assert len(found) == 1, [domain.uuid for domain in one.domains]
    return found[0]


def age_us(one: sample.Sample, uuid: str) -> int:
    age = domain(one, uuid).libvirt_age_us
    assert age is not None
    return age


def run_us(one: sample.Sample, uuid: str) -> int:
    ran = domain(one, uuid).vcpus[0].run_us
    assert ran is not None
    return ran


def has(uuid: str, **fields: object) -> Callable[[sample.Sample], bool]:
    """The sample has this domain, and its fields are these."""

    def holds(one: sample.Sample) -> bool:
        return any(
            found.uuid == uuid
            and all(getattr(found, k) == v for k, v in fields.items())
            for found in one.domains
        )

    return holds


def fresh(uuid: str, limit_us: int) -> Callable[[sample.Sample], bool]:
    """libvirt's part of this domain is younger than this."""

    def holds(one: sample.Sample) -> bool:
        return any(
            found.uuid == uuid
            and found.libvirt_age_us is not None
            and found.libvirt_age_us < limit_us
            for found in one.domains
        )

    return holds


def assert_no_wrong_rate(samples: list[sample.Sample], cpus: int) -> None:
    """Nothing ran more than there are CPUs, or waited more than it can."""
    for older, newer in itertools.pairwise(samples):
        between = rates.between(older, newer)
        assert between is not None
        for rate in between.domains.values():
            threads = rate.vcpu_count + 16
            if rate.run_us is not None:
                assert 0 <= rate.run_us <= cpus * between.interval_us * 1.2
            if rate.run_delay_us is not None:
                most = threads * between.interval_us * 1.2
                assert 0 <= rate.run_delay_us <= most


@pytest.fixture(scope='module')
def fragile(
    private_lab: Callable[[], daemon.Lab],
) -> daemon.Lab:
    """A libvirtd of these tests' own, to kill and to stop."""
    return private_lab()


@pytest.fixture
def pair(fragile: daemon.Lab, virt_type: str) -> Iterator[list[guest.Guest]]:
    """Two guests in it."""
    made = [
        fragile.start(guest.Guest(name, '0-1', IDLE, virt=virt_type))
        for name in ('left', 'right')
    ]
    yield made
    fragile.stop('left', 'right')


def test_a_libvirtd_killed_and_restarted_leaves_no_gap_and_no_wrong_rate(
    fragile: daemon.Lab, pair: list[guest.Guest], watch: Any
) -> None:
    left = pair[0].uuid
    agent = watch(fragile)
    agent.wait(fresh(left, 1_000_000), 20)
    fragile.kill_libvirtd(signal.SIGKILL)
    blind = agent.wait(lambda one: 'libvirt' in one.missing, 10)
    later = agent.more(3)[-1]
    assert age_us(later, left) > age_us(blind, left)
    # What libvirt knew is still said, and what /proc knows goes on.
    assert domain(later, left).identity.project_name == 'p-left'
    assert domain(later, left).vcpus[0].run_us is not None
    fragile.up()
    after = agent.wait(fresh(left, 900_000), 40)
    assert 'libvirt' not in after.missing
    sequences = [one.sequence for one in agent.samples]
    assert sequences == list(range(len(sequences)))
    epochs = {domain(one, left).epoch for one in agent.samples}
    assert len(epochs) == 1
    assert_no_wrong_rate(agent.samples, 2)


def test_a_libvirtd_that_is_away_at_start_blinds_nobody(
    fragile: daemon.Lab, pair: list[guest.Guest], watch: Any
) -> None:
    fragile.kill_libvirtd()
    try:
        agent = watch(fragile)
        found = domain(agent.more(2)[-1], pair[0].uuid)
        assert found.name == 'left'
        assert found.state == 'unknown'
        assert found.libvirt_age_us is None
        assert found.vcpus[0].run_us
        assert found.identity.status == 'missing'
    finally:
        fragile.up()
    agent.wait(has(pair[0].uuid, state='running'), 40)


def test_a_qemu_that_hangs_costs_only_its_own_values(
    fragile: daemon.Lab, pair: list[guest.Guest], watch: Any
) -> None:
    left, right = (one.uuid for one in pair)
    agent = watch(fragile)
    agent.wait(fresh(left, 1_000_000), 20)
    pid = fragile.qemu_pids()['right']
    os.kill(pid, signal.SIGSTOP)
    try:
        # libvirtd now waits for QEMU for ever; the rest must not.
        stale = agent.wait(
            lambda one: (domain(one, right).libvirt_age_us or 0) > 3_000_000,
            20,
        )
        assert domain(stale, right).vcpus[0].run_us is not None
        old = len(agent.samples)
        agent.wait(
            lambda one: (
                fresh(left, 1_000_000)(one)
                and not fresh(right, 2_000_000)(one)
            ),
            20,
        )
        assert all(
            (one.interval_us or 0) < 1_500_000 for one in agent.samples[old:]
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    agent.wait(fresh(right, 1_000_000), 30)
    assert_no_wrong_rate(agent.samples, 2)


def test_a_libvirtd_that_hangs_holds_up_neither_samples_nor_the_end(
    fragile: daemon.Lab, pair: list[guest.Guest], watch: Any
) -> None:
    agent = watch(fragile)
    agent.wait(fresh(pair[0].uuid, 1_000_000), 20)
    libvirtd = fragile.libvirtd_pid()
    assert libvirtd is not None
    os.kill(libvirtd, signal.SIGSTOP)
    try:
        agent.wait(lambda one: 'libvirt' in one.missing, 15)
        assert all((one.interval_us or 0) < 1_500_000 for one in agent.samples)
        code, seconds = agent.stop()
    finally:
        os.kill(libvirtd, signal.SIGCONT)
    assert code == 0
    assert seconds < 2


def test_domains_destroyed_in_the_middle_of_sweeps_cost_nobody_else(
    guests: Any, watch: Any
) -> None:
    stays = guests.start('stays', '0-1', IDLE)
    agent = watch(guests.lab)
    agent.wait(fresh(stays.uuid, 1_000_000), 20)
    dice = random.Random(4)
    for number in range(6):
        victim = guests.start(f'goes{number}', '0-1', IDLE)
        agent.wait(has(victim.uuid), 15)
        pid = guests.lab.qemu_pids()[victim.name]
        # At any moment of a sweep, and as rudely as possible.
        agent.process.poll()
        with contextlib.suppress(ProcessLookupError):
            if dice.random() < 0.5:
                os.kill(pid, signal.SIGKILL)
            else:
                guests.lab.stop(victim.name)
        agent.poll()
    agent.more(3)
    assert {d.uuid for d in agent.samples[-1].domains} == {stays.uuid}
    for one in agent.samples[1:]:
        kept = domain(one, stays.uuid)
        assert kept.vcpus[0].run_us is not None
        assert kept.memory is not None
        assert kept.memory.rss_bytes is not None
        broken = [c for c in one.agent.collectors if not c.success]
        assert broken == []
    sequences = [one.sequence for one in agent.samples]
    assert sequences == list(range(len(sequences)))
    assert_no_wrong_rate(agent.samples, 2)


def test_a_paused_domain_says_so_and_runs_not_at_all(
    guests: Any, watch: Any
) -> None:
    uuid = guests.start('pauses', '0', '600:60').uuid
    guests.wait_booted()
    agent = watch(guests.lab)
    agent.wait(has(uuid, state='running'), 20)
    guests.lab.virsh('suspend', 'pauses')
    agent.wait(has(uuid, state='paused', state_reason='user'), 10)
    first, *_, last = agent.more(4)
    ran_us = run_us(last, uuid) - run_us(first, uuid)
    assert ran_us < 0.02 * (last.uptime_us - first.uptime_us)
    guests.lab.virsh('resume', 'pauses')
    agent.wait(has(uuid, state='running', state_reason='unpaused'), 10)
    assert_no_wrong_rate(agent.samples, 2)


def test_a_hot_plugged_vcpu_appears_and_spoils_no_rate(
    guests: Any, watch: Any
) -> None:
    uuid = guests.start('grows', '0-1', '600:50', vcpus=1, max_vcpus=3).uuid
    guests.wait_booted()
    agent = watch(guests.lab)
    before = agent.wait(has(uuid, state='running', vcpus_maximum=3), 20)
    assert [v.index for v in domain(before, uuid).vcpus] == [0]
    guests.lab.virsh('setvcpus', 'grows', '2', '--live')
    after = agent.wait(lambda one: len(domain(one, uuid).vcpus) == 2, 15)
    assert [v.index for v in domain(after, uuid).vcpus] == [0, 1]
    assert domain(after, uuid).epoch == domain(before, uuid).epoch
    older, newer = agent.more(2)
    between = rates.between(older, newer)
    assert between is not None
    assert between.domains[uuid].run_us is not None
    assert_no_wrong_rate(agent.samples, 2)


def test_a_domain_that_migrates_in_is_marked_and_then_measured(
    fragile: daemon.Lab, guests: Any, watch: Any
) -> None:
    """Both hosts have it for a while; only its state tells which runs it."""
    uuid = guests.start('moves', '0-1', '600:20', memory_mib=256).uuid
    guests.wait_booted()
    source = watch(guests.lab)
    target = watch(fragile)
    source.wait(has(uuid, state='running'), 20)
    target.more(1)
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        number = probe.getsockname()[1]
    guests.lab.virsh('migrate-setspeed', 'moves', '20')
    try:
        guests.lab.virsh(
            'migrate',
            'moves',
            fragile.uri,
            f'tcp://127.0.0.1:{number}',
            '--live',
            '--unsafe',
            '--xml',
            str(_renamed_partition(guests.lab, fragile, 'moves')),
        )
        target.wait(has(uuid, state='running'), 20)
        states = [
            (found.state, found.state_reason)
            for one in target.samples
            for found in one.domains
            if found.uuid == uuid
        ]
        source.more(2)
        target.more(2)
    finally:
        fragile.stop('moves')
    incoming = [state for state, _ in states if state != 'running']
    assert incoming, states
    assert set(incoming) <= {'paused', 'unknown'}
    assert states[-1] == ('running', 'migrated')
    assert not has(uuid)(source.samples[-1])
    jobs = [
        found.job
        for one in source.samples
        for found in one.domains
        if found.uuid == uuid and found.job is not None
    ]
    assert jobs, 'the migration was never seen as a job'
    assert jobs[-1].operation == 'migration_out'
    assert_no_wrong_rate(source.samples, 2)
    assert_no_wrong_rate(target.samples, 2)


def _renamed_partition(
    source: daemon.Lab, target: daemon.Lab, name: str
) -> Any:
    """The domain's XML for the other lab, which has a partition of its own."""
    text = source.virsh('dumpxml', name, '--migratable').stdout
    path = source.home / f'{name}-migrate.xml'
    path.write_text(text.replace(source.partition, target.partition))
    return path
