# SPDX-License-Identifier: Apache-2.0
"""The kernel side's core, in user space, against an independent replay."""

import ctypes
import pathlib
import struct
import subprocess

import hypothesis
import pytest
from hypothesis import strategies as st

from tests.unit.observe.ledger import replay, schedule

HERE = pathlib.Path(__file__).parent
SOURCE = HERE.parents[3] / 'kvm_insight/observe/ledger'
DOMAIN, OTHER, THIRD = range(schedule.FIRST_DOMAIN, schedule.FIRST_DOMAIN + 3)


@pytest.fixture(scope='session')
def core(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The core as a library; this needs a C compiler."""
    built = tmp_path_factory.mktemp('core') / 'core.so'
    words = ['cc', '-std=c11', '-O1', '-Wall', '-Wextra', '-Werror']
    words += ['-shared', '-fPIC', f'-I{SOURCE}']
    words += [str(HERE / 'core.c'), '-o', str(built)]
    subprocess.run(words, check=True)
    library = ctypes.CDLL(str(built))
    for name in ('charged', 'missed', 'overruns'):
        getattr(library, name).restype = ctypes.c_uint64
    return library


def play(core: ctypes.CDLL, plan: schedule.Schedule) -> None:
    packed = plan.packed()
    entities = struct.pack(f'={len(plan.entities)}I', *plan.entities)
    core.replay(entities, len(plan.entities), packed, len(plan.reported()))


def cells(
    core: ctypes.CDLL, plan: schedule.Schedule, of_quota: int
) -> replay.Cells:
    victims = sorted(set(plan.entities) & set(plan.throttled))
    runners = {*plan.entities, schedule.UNATTRIBUTED}
    found = {
        (victim, runner): core.charged(victim, runner, of_quota)
        for victim in victims
        for runner in runners
    }
    return {cell: ns for cell, ns in found.items() if ns}


def assert_same(core: ctypes.CDLL, plan: schedule.Schedule) -> replay.Replay:
    play(core, plan)
    expected = replay.Replay(plan)
    assert cells(core, plan, 0) == {
        k: v for k, v in expected.ledger.items() if v
    }
    assert cells(core, plan, 1) == {
        k: v for k, v in expected.quota.items() if v
    }
    return expected


@hypothesis.settings(deadline=None, max_examples=30)
@hypothesis.given(st.integers(0, 2**32), st.integers(2, 128))
def test_every_schedule_comes_to_the_replay_to_the_nanosecond(
    core: ctypes.CDLL, seed: int, cpus: int
) -> None:
    assert_same(core, schedule.Generator(seed, cpus).run(1_000))


@pytest.mark.parametrize('cpus', [2, 16, 64, 128])
def test_long_schedules_are_exact_and_rows_sum_to_what_was_waited(
    core: ctypes.CDLL, cpus: int
) -> None:
    plan = schedule.Generator(cpus, cpus).run(20_000)
    expected = assert_same(core, plan)
    assert expected.waits > 2_000
    assert len(plan.entities) > 3 * cpus + 100  # forks
    kinds = {event.kind for event in plan.events}
    assert kinds == {schedule.SWITCH, schedule.WAKE, schedule.MIGRATE}
    for victim, waited in expected.waited.items():
        row = sum(
            core.charged(victim, runner, of_quota)
            for runner in range(512)
            for of_quota in (0, 1)
        )
        assert row == waited
    assert sum(expected.quota.values()) > 0


@hypothesis.settings(deadline=None, max_examples=20)
@hypothesis.given(st.integers(0, 2**32), st.integers(2, 64))
def test_a_switch_that_was_not_reported_is_repaired_and_counted(
    core: ctypes.CDLL, seed: int, cpus: int
) -> None:
    plan = schedule.Generator(seed, cpus, missing=0.2).run(1_000)
    assert_same(core, plan)
    hidden = sum(event.missed for event in plan.events)
    assert sum(core.missed(cpu) for cpu in range(cpus)) == hidden


def _two_others(switches: int) -> schedule.Schedule:
    """Threads 1 and 2 take turns while 3 waits all the time, then runs."""
    plan = schedule.Schedule(
        1, [schedule.IDLE, OTHER, THIRD, DOMAIN], {DOMAIN: 0}, []
    )
    tell = plan.events.append
    tell(schedule.Event(1_000, schedule.SWITCH, 0, 0, 1))
    tell(schedule.Event(1_000, schedule.WAKE, 0, 3))
    now, current = 1_000, 1
    for _ in range(switches):
        now += 10
        tell(schedule.Event(now, schedule.SWITCH, 0, current, 3 - current))
        current = 3 - current
    tell(schedule.Event(now + 10, schedule.SWITCH, 0, current, 3))
    return plan


def test_a_wait_that_fills_the_ring_is_still_exact(core: ctypes.CDLL) -> None:
    assert_same(core, _two_others(1024))
    assert core.overruns(0) == 0
    assert core.charged(DOMAIN, schedule.UNATTRIBUTED, 0) == 0


def test_what_a_longer_wait_lost_is_unattributed_and_counted(
    core: ctypes.CDLL,
) -> None:
    assert_same(core, _two_others(1025))
    assert core.overruns(0) == 1
    assert core.charged(DOMAIN, schedule.UNATTRIBUTED, 0) == 20
    assert_same(core, _two_others(9_000))


def test_a_wake_up_of_a_waiting_thread_does_not_begin_its_wait_again(
    core: ctypes.CDLL,
) -> None:
    plan = _two_others(4)
    again = schedule.Event(1_015, schedule.WAKE, 0, 3)
    plan.events.insert(3, again)
    play(core, plan)
    assert core.charged(DOMAIN, OTHER, 0) == 30
    assert core.charged(DOMAIN, THIRD, 0) == 20


def test_quota_is_charged_before_whoever_ran_meanwhile(
    core: ctypes.CDLL,
) -> None:
    plan = _two_others(4)
    plan.throttled[DOMAIN] = schedule.PERIOD_NS
    play(core, plan)
    assert core.charged(DOMAIN, OTHER, 0) == 0
    assert core.charged(DOMAIN, OTHER, 1) == 30
    assert core.charged(DOMAIN, THIRD, 1) == 20


def test_host_threads_wait_in_nobodys_row(core: ctypes.CDLL) -> None:
    plan = _two_others(4)
    plan.entities[3] = schedule.HOST
    play(core, plan)
    total = sum(
        core.charged(victim, runner, 0)
        for victim in range(384)
        for runner in range(512)
    )
    assert total == 0


def test_the_first_switch_of_a_cpu_tells_who_ran_before_it(
    core: ctypes.CDLL,
) -> None:
    plan = _two_others(0)
    wake = plan.events.pop(1)
    plan.events.insert(0, schedule.Event(900, schedule.WAKE, 0, wake.thread))
    play(core, plan)
    assert core.charged(DOMAIN, schedule.IDLE, 0) == 100
    assert core.charged(DOMAIN, OTHER, 0) == 10
    assert core.missed(0) == 0
