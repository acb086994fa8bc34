# SPDX-License-Identifier: Apache-2.0
"""Telemetry: lives, epochs, restarts and the way to the consumer."""

import numpy
import pytest

from kvm_insight.model import sample
from kvm_insight.simulate import dirt, plan, readings, telemetry

N = 10


def guest(name: str, vcpus: int = 1, **more: object) -> plan.Guest:
    return plan.Guest(
        name=name,
        uuid=plan.uuid_of(1, name),
        cpus=(frozenset([0, 1]),) * vcpus,
        **more,  # type: ignore[arg-type]
    )


def written(
    *guests: plan.Guest, agent: readings.Agent = readings.PLAIN
) -> list[sample.Sample]:
    """Return the samples of a host on which all threads run half."""
    host = plan.Host(
        name='h',
        cpus=2,
        guests=guests,
        services=(plan.Service(name='s', threads=2, cpus=frozenset([0])),),
    )
    count = sum(len(places) for places in host.places())
    at_us = numpy.arange(N, dtype=numpy.int64) * 10_000_000
    half = numpy.repeat(at_us[:, None] // 2, count, axis=1)
    found = readings.Readings(at_us, half, half // 5, half * 0)
    return list(telemetry.samples(host, found, agent))


def test_a_service_has_the_time_of_all_its_threads() -> None:
    last = written(guest('a'))[-1].system
    assert last.services is not None
    assert last.services[0].run_us == 90_000_000
    assert last.guest_us == 45_000_000


def test_a_guest_is_there_only_while_it_lives() -> None:
    found = written(guest('a', starts_s=15.0, ends_s=45.0))
    assert [len(one.domains) for one in found] == [0, 0, 1, 1, 1] + [0] * 5


def test_a_vcpu_is_there_once_it_is_plugged_in() -> None:
    found = written(guest('a', 2, plugged_s=(0.0, 25.0)))
    assert [len(one.domains[0].vcpus) for one in found[:5]] == [1, 1, 1, 2, 2]


def test_polling_counts_as_run_time_and_is_told() -> None:
    vcpu = written(guest('a', polls=0.5))[-1].domains[0].vcpus[0]
    assert vcpu.halt_poll_us == 22_500_000
    assert vcpu.run_us == 45_000_000 + 22_500_000


def test_a_quota_is_told_and_its_throttling() -> None:
    domain = written(guest('a', quota_cores=0.5))[-1].domains[0]
    assert domain.cpu is not None
    assert domain.cpu.vcpu_quota_us == 50_000
    assert domain.vcpus[0].throttled_us == 0


def test_an_agent_that_restarts_begins_its_sequence_anew() -> None:
    agent = readings.Agent(restarts_s=(35.0,))
    found = written(guest('a'), agent=agent)
    assert [one.sequence for one in found] == [0, 1, 2, 3, 0, 1, 2, 3, 4, 5]
    assert len({one.agent_id for one in found}) == 2
    assert found[4].interval_us is None


def test_a_skewed_clock_changes_the_time_and_nothing_else() -> None:
    plain, skewed = (
        written(guest('a'), agent=readings.Agent(skew_us=skew_us))[3]
        for skew_us in (0, -7_000_000)
    )
    assert plain.time_us - skewed.time_us == 7_000_000
    assert plain.uptime_us == skewed.uptime_us


@pytest.mark.parametrize(
    ('way', 'sequences'),
    [
        (dirt.CLEAN, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (dirt.Dirt(lost=1.0), []),
        (dirt.Dirt(doubled=1.0), sorted([*range(N), *range(N)])),
    ],
)
def test_the_way_loses_and_doubles(
    way: dirt.Dirt, sequences: list[int]
) -> None:
    found = dirt.soiled(written(guest('a')), way)
    assert [one.sequence for one in found] == sequences


def test_what_is_late_still_comes() -> None:
    way = dirt.Dirt(late=0.3, seed=4)
    found = [one.sequence for one in dirt.soiled(written(guest('a')), way)]
    assert sorted(found) == list(range(N))
    assert found != list(range(N))
