# SPDX-License-Identifier: Apache-2.0
"""From what plain hosts tell to a cluster, and what it must not say."""

import dataclasses
from typing import Any

import pytest

from kvm_insight import exception
from kvm_insight.model import (
    cluster,
    codec,
    host_config,
    recommendation,
    sample,
)
from kvm_insight.plain import assembly
from kvm_insight.recommend import sanity, validity
from kvm_insight.recommend import settings as recommend_settings
from tests.unit.plain import hosts
from tests.unit.plain.hosts import built, config, report, seen

PAIR: list[hosts.Told] = [
    report('a', seen(1)),
    config('a', built(1)),
    report('b'),
    config('b'),
]


def move(number: int, source: str, to: str) -> recommendation.Move:
    return recommendation.Move(
        instance=hosts.uuid(number),
        source=source,
        destination=to,
        role='aggressor',
        gain_core_s=9.0,
        gain_p95_core_s=9.0,
        cost_core_s=1.0,
        duration_s=9.0,
        downtime_s=0.1,
        memory_bytes=8 * hosts.GIB,
        risk=0.0,
        reason='',
    )


def refusals(
    whole: cluster.Cluster, number: int = 1, to: str = 'b'
) -> list[str]:
    """Why the move of a domain from a would be refused."""
    there = move(number, 'a', to)
    rules = recommend_settings.Settings()
    return validity.check(whole, [there], rules).refusals


def test_a_domain_that_may_go_anywhere_may_go() -> None:
    whole = hosts.cluster_of(*PAIR)
    one = hosts.only(whole)
    assert (one.immobile, one.task, one.state) == (None, None, 'active')
    assert one.resources == {'VCPU': 4, 'MEMORY_MB': 8192}
    assert refusals(whole) == []
    assert sanity.check(whole).left_out == []


def test_it_says_whose_a_domain_is() -> None:
    whole = hosts.cluster_of(*PAIR)
    assert hosts.only(whole).project_id == 'shop'
    assert whole.projects == {'shop': 'Shop'}


def test_who_has_no_project_is_unassigned() -> None:
    nobody = built(1, identity=sample.Identity(status='missing'))
    whole = hosts.cluster_of(report('a', seen(1)), config('a', nobody))
    assert hosts.only(whole).project_id == 'unassigned'
    assert whole.projects == {}


def test_nothing_is_known_of_nobody_and_the_remedy_is_said() -> None:
    with pytest.raises(exception.ClusterError, match='tell_config'):
        hosts.cluster_of()


def test_where_all_are_silent_there_is_no_cluster() -> None:
    with pytest.raises(exception.ClusterError, match='none of 2 hosts'):
        hosts.cluster_of(report('a', age_s=181), report('b', age_s=4000))


def test_a_silent_host_takes_no_part_and_keeps_its_domains() -> None:
    whole = hosts.cluster_of(
        report('a', seen(1), age_s=181),
        config('a', built(1)),
        report('b', seen(2)),
        config('b', built(2)),
        report('c'),
        config('c'),
    )
    assert not hosts.named(whole, 'a').up
    held = {one.uuid: one for one in whole.instances}
    assert 'silent' in (held[hosts.uuid(1)].immobile or '')
    assert held[hosts.uuid(2)].immobile is None
    there = move(2, 'b', 'a')
    rules = recommend_settings.Settings()
    assert validity.check(whole, [there], rules).verdict == 'invalid'
    usage = sanity.check(whole).usage
    assert usage['a', 'MEMORY_MB'] == 8192


def test_a_host_whose_clock_runs_ahead_is_not_believed() -> None:
    whole = hosts.cluster_of(report('a', seen(1), age_s=-3600), *PAIR[2:])
    assert not hosts.named(whole, 'a').up
    assert whole.time_us <= hosts.NOW_US


def test_a_host_that_is_silent_for_a_day_is_gone() -> None:
    whole = hosts.cluster_of(
        report('a', seen(1), age_s=90_000),
        config('a', built(1), age_s=90_000),
        *PAIR[2:],
    )
    assert [one.name for one in whole.hosts] == ['b']
    assert whole.instances == []


@pytest.mark.parametrize('first', ['a', 'b'])
def test_a_domain_on_two_hosts_is_held_by_both_and_not_touched(
    first: str,
) -> None:
    other = 'b' if first == 'a' else 'a'
    whole = hosts.cluster_of(
        report(first, seen(1, busy_with='migration_out')),
        config(first, built(1)),
        report(other, seen(1, state='paused', busy_with='migration_in')),
        config(other, built(1)),
    )
    one = hosts.only(whole)
    assert one.host == first
    assert one.task == 'it is on a and b'
    (moving,) = whole.migrations
    assert (moving.source, moving.destination) == (first, other)
    assert moving.state == 'running'
    usage = sanity.check(whole).usage
    assert usage['a', 'VCPU'] == usage['b', 'VCPU'] == 4


def test_two_that_claim_to_run_a_domain_both_keep_its_room() -> None:
    whole = hosts.cluster_of(
        report('a', seen(1)),
        report('b', seen(1)),
        config('a', built(1)),
        config('b', built(1)),
    )
    assert len(whole.instances) == len(whole.migrations) == 1
    assert hosts.only(whole).task == 'it is on a and b'


def test_who_was_started_elsewhere_after_a_host_died_is_there() -> None:
    whole = hosts.cluster_of(
        report('a', seen(1), age_s=600),
        config('a', built(1)),
        report('b', seen(1)),
        config('b', built(1)),
    )
    one = hosts.only(whole)
    assert (one.host, one.task, one.immobile) == ('b', None, None)
    assert whole.migrations == []


def test_an_old_report_told_again_does_not_bring_the_past_back() -> None:
    whole = hosts.cluster_of(
        report('a', age_s=5), config('a'), report('a', seen(1), age_s=65)
    )
    assert whole.instances == []


def test_without_a_report_a_host_is_there_and_takes_no_part() -> None:
    whole = hosts.cluster_of(*PAIR[:2], config('b'))
    assert not hosts.named(whole, 'b').up
    assert any('ComputeFilter' in one for one in refusals(whole))


@pytest.mark.parametrize('told', [PAIR[0:1] + PAIR[2:], PAIR[:3]])
def test_without_a_description_nothing_is_moved(
    told: list[hosts.Told],
) -> None:
    whole = hosts.cluster_of(*told)
    one = hosts.only(whole)
    if one.immobile is None:
        assert any('Needs' in word for word in refusals(whole))
    else:
        assert 'a has not told how it is built' in one.immobile


def test_a_domain_that_its_host_has_not_described_yet_waits() -> None:
    whole = hosts.cluster_of(
        report('a', seen(1), seen(2)), config('a', built(1)), *PAIR[2:]
    )
    waits = {one.uuid: one.immobile for one in whole.instances}
    assert waits[hosts.uuid(1)] is None
    assert 'has not told' in (waits[hosts.uuid(2)] or '')


STAYS: dict[str, dict[str, Any]] = {
    'Nova manages it': {'identity': sample.Identity(source='nova')},
    'it has a TPM': {'obstacles': ['it has a TPM, whose state is on it']},
    'is on its host alone': {
        'storage': [host_config.Storage(name='vda', source='/var/x.img')]
    },
}


@pytest.mark.parametrize('words', STAYS)
def test_what_would_fail_stays_and_says_why(words: str) -> None:
    whole = hosts.cluster_of(
        PAIR[0], config('a', built(1, **STAYS[words])), *PAIR[2:]
    )
    assert words in (hosts.only(whole).immobile or '')


def test_two_domains_of_one_name_do_not_meet() -> None:
    whole = hosts.cluster_of(
        *PAIR[:2],
        report('b', seen(2, name='vm1')),
        config('b', built(2)),
        report('c'),
        config('c'),
    )
    assert any('the name vm1 free' in one for one in refusals(whole))
    assert refusals(whole, to='c') == []


@pytest.mark.parametrize(
    ('source', 'entry', 'reached'),
    [
        ('/srv/vms/x.img', '/srv/vms', True),
        ('/srv/vms/x.img', '/srv/vms/', True),
        ('/srv/vms2/x.img', '/srv/vms', False),
        ('rbd:vms/x', 'rbd:', True),
        ('rbd:vms/x', 'rbd:vms', True),
        ('rbd:vms2/x', 'rbd:vms', False),
        ('iscsi:x', 'rbd:', False),
    ],
)
def test_what_the_operator_says_is_shared_is_shared(
    source: str, entry: str, *, reached: bool
) -> None:
    rules = dataclasses.replace(hosts.RULES, shared_storage=(entry,))
    disk = host_config.Storage(name='vda', source=source)
    whole = hosts.cluster_of(
        PAIR[0], config('a', built(1, storage=[disk])), *PAIR[2:], rules=rules
    )
    assert (hosts.only(whole).immobile is None) == reached


LACKS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    'a share that is not mounted there': (
        {},
        {'offers': hosts.OFFERS[:2]},
        'nfs4 nas:/vms on /vms',
    ),
    'CPUs of that number': ({'cpus': '14-15'}, {'cpus': '0-7'}, 'CPUs 14-15'),
    'an older QEMU': ({}, {'hypervisor_version': 7002000}, 'is older'),
    'a version that nobody told': ({}, {'hypervisor_version': None}, 'known'),
    'another CPU': (
        {'cpu_mode': 'custom'},
        {'cpu': cluster.HostCpu(model='EPYC-Milan')},
        'its CPU is another',
    ),
    'a CPU that nobody told': (
        {'cpu_mode': 'custom'},
        {'cpu': None},
        'its CPU is not known',
    ),
}


@pytest.mark.parametrize('name', LACKS)
def test_a_host_that_lacks_what_is_needed_is_refused(name: str) -> None:
    needs, has, words = LACKS[name]
    whole = hosts.cluster_of(
        PAIR[0], config('a', built(1, **needs)), PAIR[2], config('b', **has)
    )
    assert any(words in one for one in refusals(whole)), refusals(whole)


def test_the_operators_word_lets_a_cpu_model_go_to_another_cpu() -> None:
    rules = dataclasses.replace(hosts.RULES, equal_cpus=False)
    told: list[hosts.Told] = [
        PAIR[0],
        config('a', built(1, cpu_mode='custom')),
        PAIR[2],
        config('b', cpu=cluster.HostCpu(model='EPYC-Milan')),
    ]
    assert refusals(hosts.cluster_of(*told, rules=rules)) == []
    told[1] = config('a', built(1, cpu_mode='host-passthrough'))
    assert refusals(hosts.cluster_of(*told, rules=rules)) != []


def test_hosts_of_another_region_are_far_away() -> None:
    whole = hosts.cluster_of(*PAIR[:2], report('east/b'), config('east/b'))
    words = refusals(whole, to='east/b')
    assert any('another cell' in one for one in words)


def test_a_host_beyond_its_ratio_gets_nothing_more_and_may_be_relieved() -> (
    None
):
    crowd = [seen(n, memory_bytes=20 * hosts.GIB) for n in range(1, 9)]
    sizes = [built(n, memory_bytes=20 * hosts.GIB) for n in range(1, 9)]
    whole = hosts.cluster_of(
        report('a', *crowd),
        config('a', *sizes),
        report('b', seen(20)),
        config('b', built(20)),
    )
    assert sanity.check(whole).left_out == []
    assert refusals(whole) == []
    back = move(20, 'b', 'a')
    rules = recommend_settings.Settings()
    found = validity.check(whole, [back], rules).refusals
    assert any('Inventory' in one for one in found)


def test_a_host_to_be_emptied_is_in_maintenance() -> None:
    rules = dataclasses.replace(hosts.RULES, maintenance=frozenset({'b'}))
    whole = hosts.cluster_of(*PAIR, rules=rules)
    assert hosts.named(whole, 'b').maintenance
    assert refusals(whole) != []


@pytest.mark.parametrize('state', ['shutdown', 'crashed', 'unknown'])
def test_who_does_not_run_is_not_moved(state: str) -> None:
    whole = hosts.cluster_of(report('a', seen(1, state=state)), *PAIR[1:])
    assert hosts.only(whole).state == 'other'


def test_a_host_that_says_it_has_nothing_is_left_out() -> None:
    told = report('a', seen(1), cpus=0, memory_bytes=0)
    empty = config('a', built(1), cpus='', memory_bytes=None)
    whole = hosts.cluster_of(told, empty, *PAIR[2:])
    assert [one.name for one in sanity.check(whole).left_out] == ['a']


@pytest.mark.parametrize(
    'damaged',
    [config('a', cpus='x'), config('a', built(1, cpus='3-1'))],
)
def test_a_damaged_description_changes_nothing(
    damaged: host_config.HostConfig,
) -> None:
    known = hosts.heard(*PAIR)
    with pytest.raises(exception.CodecError):
        known.take_config('a', codec.encode(damaged))
    whole = assembly.assembled(known, hosts.NOW_US, hosts.RULES)
    assert hosts.only(whole).immobile is None


def test_who_is_deleted_from_the_bus_is_forgotten() -> None:
    known = hosts.heard(*PAIR)
    known.take_report('a', None)
    known.take_config('a', None)
    whole = assembly.assembled(known, hosts.NOW_US, hosts.RULES)
    assert [one.name for one in whole.hosts] == ['b']
