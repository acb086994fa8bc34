# SPDX-License-Identifier: Apache-2.0
"""What status says of agents, and when it is content."""

import msgspec

from kvm_insight.cmd import health
from kvm_insight.model import host_report, inventory, sample, state

from . import samples

#: Five seconds after sample number 3.
NOW_S = samples.host(3).time_us / 1e6 + 5


def clinic(*numbers: int, **more: object) -> health.Clinic:
    made = health.Clinic()
    for number in numbers:
        made.add_sample(samples.host(number, **more))  # type: ignore[arg-type]
    return made


def only(made: health.Clinic, now_s: float = NOW_S) -> health.Health:
    (found,) = made.healths(now_s)
    return found


def test_an_agent_without_gaps_is_well() -> None:
    found = only(clinic(1, 2, 3))
    assert found.troubles == []
    assert (found.age_s, found.domains, found.ledger) == (5.0, 2, 'ebpf')


def test_a_silent_agent_is_told() -> None:
    assert only(clinic(1, 2, 3), NOW_S + 26).troubles == ['silent']


def test_samples_that_never_came_are_counted_in_any_order() -> None:
    found = only(clinic(4, 1, 2))
    assert found.gaps == 1
    assert found.troubles == ['1 samples never came']


def test_a_restarted_agent_begins_anew() -> None:
    made = clinic(1, 3)
    made.add_sample(samples.host(3, agent_id='b', sequence=0))
    assert only(made).gaps == 0


def test_dropped_samples_and_broken_collectors_are_trouble() -> None:
    agent = sample.Agent(
        version='1',
        dropped=4,
        collectors=[
            sample.Collector(name='good', duration_us=1, success=True),
            sample.Collector(
                name='libvirt', duration_us=1, success=False, error='away'
            ),
        ],
    )
    found = only(clinic(3, agent=agent))
    assert found.troubles == ['4 samples dropped', 'libvirt: away']


def test_a_clock_that_is_ahead_is_told() -> None:
    assert only(clinic(3), NOW_S - 60).troubles == ['its clock is ahead']


def test_the_analyzers_lag_is_from_its_state_or_its_report() -> None:
    made = clinic(3)
    last = msgspec.structs.replace(samples.host(1), ledger=None)
    long_ago = msgspec.structs.replace(
        last, time_us=last.time_us - 400 * samples.SECOND
    )
    made.add_state(state.HostState(host='node1', last=long_ago))
    assert only(made).troubles == ['analyzer is 420 s behind']
    # It keeps its state more rarely than it reports.
    made.add_report(
        host_report.HostReport(
            host='node1',
            time_us=last.time_us,
            agent_id='a',
            sequence=1,
            window_s=60,
            cpus=4,
        )
    )
    assert only(made).analyzer_lag_s == 20.0
    assert only(made).troubles == []
    made.add_state(state.HostState(host='node1', last=last))
    assert only(made).analyzer_lag_s == 20.0


def test_details_say_why_and_what_is_missing() -> None:
    ledger = sample.Ledger(
        source='sampled', interval_us=1, rows=[], reason='CAP_BPF is missing'
    )
    agent = sample.Agent(version='1', identity_failures={'broken': 2})
    found = only(
        clinic(3, ledger=ledger, agent=agent, missing={'kvm': 'under TCG'})
    )
    assert health.details(found) == [
        'node1: ledger sampled because CAP_BPF is missing',
        'node1: no kvm: under TCG',
        'node1: 2 domains with broken metadata',
    ]


def test_the_planner_says_what_it_does_or_why_not() -> None:
    plans = inventory.PlannerStatus(
        generation=4,
        time_us=100_000_000,
        state='planning',
        hosts=6,
        fresh_hosts=5,
        open=2,
    )
    said = health.planner(plans, 112.0)
    assert 'generation 4, 12 s ago: 2 recommendations open' in said
    assert health.plans_well(plans, 112.0)
    waits = msgspec.structs.replace(
        plans, state='waiting', reasons=['no hosts', 'too old']
    )
    assert health.planner(waits, 112.0).endswith('no hosts; too old')
    assert not health.plans_well(waits, 112.0)
    assert 'silent for 900 s' in health.planner(plans, 1000.0)
    assert not health.plans_well(plans, 1000.0)
