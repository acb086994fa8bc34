# SPDX-License-Identifier: Apache-2.0
"""The slice scheduler: every microsecond is somebody's, shares are fair."""

import dataclasses
import importlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import typing as npt

from kvm_insight.simulate import slices

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
def plain() -> Iterator[types.ModuleType]:
    """The same modules as they are where numba is missing."""
    room = 'kvm_insight.simulate.slices'
    kept = {n: m for n, m in sys.modules.items() if n.startswith(room)}
    for name in kept:
        del sys.modules[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, 'numba', None)
        module = importlib.import_module(room)
    for name in [n for n in sys.modules if n.startswith(room)]:
        del sys.modules[name]
    sys.modules.update(kept)
    assert module is not slices
    yield module


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
