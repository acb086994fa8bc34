# SPDX-License-Identifier: Apache-2.0
"""The slice scheduler: every microsecond is somebody's, shares are fair."""

import dataclasses
import importlib
import sys
import types
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import typing as npt

from kvm_insight import simulate
from kvm_insight.simulate import slices, slices_kernel

ROOM = 'kvm_insight.simulate.slices'
SECOND = 1_000_000
Numbers = npt.NDArray[Any]


@dataclasses.dataclass
class Host:
    """A host to be: an entity after the other is put onto its CPUs."""

    cpus: int
    seconds: int = 10
    seed: int = 1
    missed: float = 0.0
    step_us: int = SECOND
    entity: list[int] = dataclasses.field(default_factory=list)
    duty: list[Numbers] = dataclasses.field(default_factory=list)
    allowed: list[set[int]] = dataclasses.field(default_factory=list)
    cycle_us: list[int] = dataclasses.field(default_factory=list)
    carry: list[int] = dataclasses.field(default_factory=list)
    weight: list[int] = dataclasses.field(default_factory=list)
    quota_us: list[int] = dataclasses.field(default_factory=list)

    def add(
        self,
        *duty: float,
        on: set[int] | None = None,
        weight: int = 100,
        quota_us: int = 0,
        cycle_us: int = 20_000,
        carry: int = 1,
    ) -> int:
        """Add an entity with a thread per duty; return its number."""
        for share in duty:
            self.entity.append(len(self.weight))
            self.duty.append(numpy.full(self.seconds, share, numpy.float32))
            self.allowed.append(on or set(range(self.cpus)))
            self.cycle_us.append(cycle_us)
            self.carry.append(carry)
        self.weight.append(weight)
        self.quota_us.append(quota_us)
        return len(self.weight) - 1

    def arguments(self) -> dict[str, Any]:
        threads = len(self.entity)
        duty = numpy.array(self.duty, numpy.float32)
        allowed = numpy.zeros((threads, self.cpus), numpy.bool_)
        for thread, choices in enumerate(self.allowed):
            allowed[thread, list(choices)] = True
        end_us = self.seconds * SECOND
        return {
            'cpus': self.cpus,
            'entity': numpy.array(self.entity, numpy.int64),
            'allowed': allowed,
            'duty': duty.reshape(threads, self.seconds),
            'cycle_us': numpy.array(self.cycle_us, numpy.int64),
            'carry': numpy.array(self.carry, numpy.int64),
            'weight': numpy.array(self.weight, numpy.int64),
            'quota_us': numpy.array(self.quota_us, numpy.int64),
            'tick_us': numpy.arange(self.step_us, end_us + 1, self.step_us),
            'missed': self.missed,
            'seed': self.seed,
        }

    def run(self) -> slices.Readings:
        return slices.run(**self.arguments())

    def rows(self, values: Numbers) -> Numbers:
        """Sum a reading of threads up by entity."""
        entities = range(len(self.weight))
        mine = numpy.array(self.entity, numpy.int64)
        return numpy.array([values[..., mine == e].sum(-1) for e in entities])


@pytest.fixture(scope='module')
def plain() -> types.ModuleType:
    """The same modules as they are where numba is missing."""
    kept = {name: m for name, m in sys.modules.items() if ROOM in name}
    for name in kept:
        del sys.modules[name]
    for name in kept:
        vars(simulate).pop(name.rpartition('.')[2], None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, 'numba', None)
        module = importlib.import_module(ROOM)
    for name in [name for name in sys.modules if ROOM in name]:
        del sys.modules[name]
    sys.modules.update(kept)
    for name, known in kept.items():
        setattr(simulate, name.rpartition('.')[2], known)
    return module


duties = st.sampled_from([0.0, 0.02, 0.3, 0.7, 1.0])


@st.composite
def hosts(draw: st.DrawFn, most_seconds: int = 3) -> Host:
    host = Host(
        cpus=draw(st.integers(1, 5)),
        seconds=draw(st.integers(1, most_seconds)),
        seed=draw(st.integers(0, 2**40)),
        step_us=draw(st.sampled_from([SECOND, 333_333])),
    )
    for _ in range(draw(st.integers(1, 6))):
        cpu = st.integers(0, host.cpus - 1)
        host.add(
            *draw(st.lists(duties, max_size=4)),
            on=draw(st.none() | st.sets(cpu, min_size=1)),
            weight=draw(st.sampled_from([1, 50, 100, 1_000, 10_000])),
            quota_us=draw(st.sampled_from([0, 0, 1_000, 30_000, 150_000])),
            cycle_us=draw(st.sampled_from([1_000, 7_919, 50_000, 2_000_000])),
            carry=draw(st.sampled_from([0, 1, 10, 10**6])),
        )
    return host


def grown(values: Numbers) -> Numbers:
    """What a counter grew by from reading to reading."""
    return numpy.diff(values, axis=-1, prepend=0)


@given(hosts())
@settings(max_examples=150, deadline=None)
def test_every_wait_is_charged_and_none_twice(host: Host) -> None:
    seen = host.run()
    waited_us = grown(host.rows(seen.delay_us))
    assert numpy.array_equal(seen.charged.sum(axis=2).T, waited_us)
    throttled_us = grown(host.rows(seen.throttled_us))
    assert numpy.array_equal(seen.charged[:, :, slices.QUOTA].T, throttled_us)
    assert not seen.charged[:, :, [slices.IDLE, slices.UNATTRIBUTED]].any()
    assert seen.charged.min(initial=0) >= 0


@given(hosts())
@settings(max_examples=150, deadline=None)
def test_work_is_done_dropped_or_left_and_fits_into_the_time(
    host: Host,
) -> None:
    seen = host.run()
    left_us = seen.demand_us - seen.run_us - seen.dropped_us
    assert left_us.min(initial=0) >= 0
    end_us = host.arguments()['tick_us']
    assert (seen.run_us.sum(axis=1) <= host.cpus * end_us).all()
    spent_us = seen.run_us + seen.delay_us
    assert (spent_us <= end_us[:, None]).all()
    assert (grown(seen.run_us.T) >= 0).all()


def test_numba_is_there_for_these_tests_and_can_be_missing(
    plain: types.ModuleType,
) -> None:
    assert not isinstance(slices_kernel.run, types.FunctionType)
    kernel = plain.slices_kernel
    assert isinstance(kernel.run, types.FunctionType)
    assert isinstance(kernel.slices_queue.settle, types.FunctionType)


@given(hosts(most_seconds=1), st.sampled_from([0.0, 0.1]))
@settings(max_examples=15, deadline=None)
def test_without_numba_each_number_is_the_same(
    plain: types.ModuleType, host: Host, missed: float
) -> None:
    host.missed = missed
    fast = dataclasses.asdict(host.run())
    slow = dataclasses.asdict(plain.run(**host.arguments()))
    for name, values in fast.items():
        assert numpy.array_equal(values, slow[name]), name


@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.integers(0, 50)),
        min_size=1,
        max_size=40,
    )
)
def test_the_next_event_is_the_earliest_and_then_the_first(
    plain: types.ModuleType, plans: list[tuple[int, int]]
) -> None:
    event = plain.slices_event
    host = types.SimpleNamespace(at=event.times(9), first=event.tournament(9))
    for which, time_us in plans:
        event.plan(host, which, time_us)
        assert host.first[1] == numpy.argmin(host.at)


@given(hosts(), st.integers(0, 5), duties)
@settings(max_examples=100, deadline=None)
def test_demand_is_the_same_whatever_others_do(
    host: Host, other: int, share: float
) -> None:
    before = host.run()
    mine = numpy.array(host.entity, numpy.int64) != other
    for thread in numpy.flatnonzero(~mine):
        host.duty[thread][:] = share
    after = host.run()
    first = before.demand_us[:, mine]
    assert numpy.array_equal(first, after.demand_us[:, mine])


def test_demand_is_the_duty() -> None:
    host = Host(cpus=8, seconds=30)
    for share in (0.01, 0.2, 0.5, 0.9, 1.0):
        host.add(share)
    wanted_s = host.run().demand_us[-1] / SECOND / host.seconds
    assert wanted_s == pytest.approx([0.01, 0.2, 0.5, 0.9, 1.0], rel=0.02)


def test_demand_follows_the_duty_second_by_second() -> None:
    host = Host(cpus=1, seconds=9)
    host.add(0.0)
    host.duty[0][3:6] = 0.5
    run_us = numpy.diff(host.run().run_us[:, 0], prepend=0)
    assert run_us[[0, 1, 2, 7, 8]].sum() == 0
    assert run_us[3:6] / SECOND == pytest.approx(0.5, rel=0.05)


@given(duties, st.integers(0, 100), st.integers(100, 10**6))
@settings(deadline=None)
def test_a_thread_alone_never_waits(
    share: float, seed: int, cycle_us: int
) -> None:
    host = Host(cpus=1, seed=seed)
    host.add(share, cycle_us=cycle_us)
    seen = host.run()
    assert seen.delay_us.sum() == 0
    left_us = (seen.demand_us - seen.run_us)[-1, 0]
    assert 0 <= left_us <= 2 * cycle_us


def test_threads_that_have_a_cpu_each_never_wait() -> None:
    host = Host(cpus=6)
    host.add(1.0, 0.6, 0.1)
    host.add(0.9, 0.3)
    host.add(0.4)
    assert host.run().delay_us.sum() == 0


def test_weights_share_a_saturated_cpu() -> None:
    host = Host(cpus=1, seconds=20)
    for weight in (50, 100, 300, 1_000):
        host.add(1.0, weight=weight)
    run_us = host.run().run_us[-1]
    parts = numpy.array([50, 100, 300, 1_000]) / 1_450
    assert run_us / run_us.sum() == pytest.approx(parts, rel=0.03)


def test_an_entity_has_its_weight_once_however_many_threads_it_has() -> None:
    host = Host(cpus=1, seconds=20)
    host.add(1.0)
    host.add(1.0, 1.0, 1.0, 1.0)
    own, many = host.rows(host.run().run_us[-1]) / SECOND / host.seconds
    assert own == pytest.approx(0.5, rel=0.03)
    assert many == pytest.approx(0.5, rel=0.03)


def test_weights_share_a_saturated_host_across_its_cpus() -> None:
    host = Host(cpus=4, seconds=60)
    for weight in (100, 100, 200, 200, 400, 400):
        host.add(1.0, 1.0, weight=weight)
    run_us = host.rows(host.run().run_us[-1])
    parts = numpy.array([1, 1, 2, 2, 4, 4]) / 14
    assert run_us / run_us.sum() == pytest.approx(parts, rel=0.05)


def test_the_same_right_gets_the_same_time_where_it_does_not_divide() -> None:
    host = Host(cpus=16, seconds=60)
    for _ in range(20):
        host.add(1.0, 1.0)
    run_us = host.run().run_us[-1]
    assert run_us.sum() == pytest.approx(16 * 60 * SECOND, rel=0.001)
    assert run_us / run_us.mean() == pytest.approx(1, rel=0.1)


def test_pinned_threads_run_nowhere_else() -> None:
    host = Host(cpus=4, step_us=50_000)
    host.add(1.0, 1.0, 1.0, on={1})
    host.add(0.3, 0.6, on={2, 3})
    host.add(0.8, 0.8, 0.8)
    seen = host.run()
    for thread, allowed in enumerate(host.allowed):
        assert set(seen.last_cpu[:, thread]) <= allowed
    first = seen.run_us[:, :3].sum(axis=1)
    assert (first <= host.arguments()['tick_us']).all()


@pytest.mark.parametrize('threads', [1, 3])
def test_a_quota_is_kept_in_each_period(threads: int) -> None:
    host = Host(cpus=4, step_us=100_000)
    host.add(*[1.0] * threads, quota_us=40_000)
    host.add(0.5)
    seen = host.run()
    run_us = grown(host.rows(seen.run_us))[0]
    assert run_us.max() <= 40_000
    assert run_us[1:].min() >= 39_000


def test_throttled_time_is_charged_to_the_quota_alone() -> None:
    host = Host(cpus=1)
    host.add(1.0, quota_us=25_000)
    host.add(1.0, weight=1)
    seen = host.run()
    row = seen.charged[1:, 0].sum(axis=0) / SECOND / (host.seconds - 1)
    assert row[slices.QUOTA] == pytest.approx(0.75, abs=0.03)
    assert row[:2].sum() <= 0.03
    assert seen.throttled_us[-1, 1] == 0
    assert not seen.charged[:, 1, slices.QUOTA].any()


def test_an_entity_within_its_quota_is_hardly_ever_throttled() -> None:
    host = Host(cpus=4, seconds=20)
    host.add(*[0.04] * 8, quota_us=60_000, cycle_us=100_000)
    throttled_us = host.run().throttled_us[-1].sum()
    assert throttled_us < 0.01 * host.seconds * SECOND


@given(st.integers(1, 8), st.integers(0, 1_000), st.booleans())
@settings(max_examples=50, deadline=None)
def test_no_allowed_cpu_is_idle_for_long_while_threads_wait(
    cpus: int, seed: int, halves: bool
) -> None:
    host = Host(cpus=cpus, seed=seed)
    upper = set(range(cpus // 2, cpus)) if halves else None
    for _ in range(cpus + 1):
        host.add(1.0)
        host.add(1.0, on=upper)
    run_us = numpy.diff(host.run().run_us.sum(axis=1))
    assert run_us.min() >= 0.99 * cpus * SECOND


def test_what_waits_soon_moves_to_a_cpu_that_is_idle() -> None:
    # 8 threads that all began on CPU 0 may move when others leave.
    host = Host(cpus=8, seconds=4, step_us=20_000)
    host.add(*[1.0] * 8, on={0})
    host.allowed = [set(range(8)) for _ in host.allowed]
    delay_us = host.run().delay_us[-1]
    assert delay_us.max() < 20_000


def test_the_ledger_names_who_ran_where_the_victim_waited() -> None:
    host = Host(cpus=2)
    victim = host.add(0.3, on={0})
    neighbour = host.add(1.0, on={0})
    elsewhere = host.add(1.0, on={1})
    row = host.run().charged.sum(axis=0)[victim]
    assert row[neighbour] > 0
    assert row[neighbour] == row.sum()
    assert row[elsewhere] == 0


def test_own_threads_are_charged_like_others() -> None:
    host = Host(cpus=1)
    both = host.add(1.0, 1.0)
    charged = host.run().charged.sum(axis=0)
    assert charged[both, both] == charged.sum()
    assert charged.sum() == pytest.approx(10 * SECOND, rel=0.05)


def test_a_missed_switch_charges_who_ran_before() -> None:
    host = Host(cpus=4, seconds=60)
    for share in (1.0, 0.2, 0.5, 0.9, 0.9):
        host.add(share, share)
    exact = host.run()
    host.missed = 0.004
    seen = host.run()
    assert numpy.array_equal(exact.run_us, seen.run_us)
    assert numpy.array_equal(exact.charged.sum(2), seen.charged.sum(2))
    truth = exact.charged.sum(axis=0)
    wrong = numpy.abs(seen.charged.sum(axis=0) - truth).sum() / 2
    assert 0.0005 < wrong / truth.sum() < 0.008


def test_less_of_the_aggressor_is_less_wait_for_the_victim() -> None:
    host = Host(cpus=4, seconds=30)
    host.add(0.5, 0.5)
    host.add(*[1.0] * 4)
    much_us = host.rows(host.run().delay_us[-1])[0]
    for thread in range(2, 6):
        host.duty[thread][:] = 0.2
    less_us = host.rows(host.run().delay_us[-1])[0]
    assert less_us < 0.3 * much_us


def test_work_that_is_too_old_is_dropped() -> None:
    def dropped_us(carry: int) -> int:
        host = Host(cpus=1, seconds=4)
        host.add(1.0, carry=carry)
        host.add(1.0, carry=10**6)
        host.duty[1][:1] = 0
        host.duty[0][2:] = 0
        seen = host.run()
        assert seen.dropped_us[-1, 1] == 0
        result: int = seen.dropped_us[-1, 0]
        return result

    assert dropped_us(0) == pytest.approx(SECOND / 2, rel=0.1)
    assert 0 < dropped_us(10) < dropped_us(0)
    assert dropped_us(10**6) == 0


def test_an_empty_host_has_empty_readings() -> None:
    seen = Host(cpus=3).run()
    assert seen.run_us.shape == (10, 0)
    assert seen.charged.shape == (10, 0, 3)
    empty = Host(cpus=1)
    empty.add()
    assert empty.run().charged.sum() == 0


def test_one_thread_that_wants_nothing_gets_nothing() -> None:
    host = Host(cpus=1, seconds=1)
    host.add(0.0)
    seen = host.run()
    assert not seen.run_us.any()
    assert not seen.slices.any()
    assert not seen.charged.any()


def test_no_reading_is_no_row() -> None:
    host = Host(cpus=1, step_us=20 * SECOND)
    host.add(1.0)
    assert host.run().run_us.shape == (0, 1)


def test_what_would_never_end_is_refused() -> None:
    host = Host(cpus=1)
    host.add(1.0)
    good = host.arguments()
    for wrong in (
        {'allowed': numpy.zeros((1, 1), numpy.bool_)},
        {'cycle_us': numpy.array([1])},
        {'weight': numpy.array([0])},
        {'tick_us': numpy.array([2, 1])},
    ):
        with pytest.raises(ValueError):
            slices.run(**{**good, **wrong})
