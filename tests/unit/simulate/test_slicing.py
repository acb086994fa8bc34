# SPDX-License-Identifier: Apache-2.0
"""The slices family: ledgers that add up, and labels as in the first."""

import functools

import pytest

from kvm_insight.model import entity, sample
from kvm_insight.simulate import label, scenario, simulation, stage

SECONDS = 1200.0
MICRO = 1_000_000


@functools.cache
def run_of(
    kind: str, ledger: stage.Source | None
) -> tuple[list[sample.Sample], label.Labels, dict[str, str]]:
    scene = scenario.build(
        kind,
        1001,
        family='slices',
        cpus=4,
        placement='floating',
        hours=SECONDS / 3600,
        warm_s=600.0,
        ledger=ledger,
    )[0]
    run = simulation.Simulation(scene)
    names = {
        entity.domain(guest.uuid): guest.name for guest in scene.host.guests
    }
    return list(run.samples()), run.labels(), names


def test_the_antagonist_is_guilty_here_too() -> None:
    _, found, names = run_of('antagonist', 'ebpf')
    assert {names[who] for one in found.episodes for who in one.guilty} == {
        'noisy'
    }


@pytest.mark.parametrize('ledger', ['ebpf', 'sampled'])
def test_the_ledger_holds_what_was_waited(ledger: stage.Source) -> None:
    samples, _, _ = run_of('antagonist', ledger)
    charged = sum(
        sum(row.charges.values())
        for one in samples
        if one.ledger is not None
        for row in one.ledger.rows
    )
    delay_us = sum(
        vcpu.run_delay_us or 0
        for domain in samples[-1].domains
        for vcpu in domain.vcpus
    )
    assert charged == pytest.approx(delay_us, rel=0.02)
    assert {one.ledger.source for one in samples if one.ledger} == {ledger}


def test_without_a_ledger_the_counters_are_the_same() -> None:
    with_, without = (
        run_of('antagonist', ledger)[0][-1] for ledger in ('ebpf', None)
    )
    assert without.ledger is None
    assert with_.domains == without.domains


def test_a_service_is_charged_by_its_name() -> None:
    samples, found, _ = run_of('backup', 'ebpf')
    assert 'host_process' in {one.verdict for one in found.episodes}
    charged = {
        name
        for one in samples
        if one.ledger
        for row in one.ledger.rows
        for name in row.charges
    }
    assert entity.service('backup.service') in charged


def test_what_the_quota_took_is_the_quotas() -> None:
    samples, found, _ = run_of('quota', 'ebpf')
    assert ('self_inflicted', 'quota') in {
        (one.verdict, one.cause) for one in found.episodes
    }
    taken = sum(
        row.charges.get(entity.QUOTA, 0)
        for one in samples
        if one.ledger
        for row in one.ledger.rows
    )
    assert taken > MICRO
