# SPDX-License-Identifier: Apache-2.0
"""Each check answers each of its rows as the row says."""

import dataclasses
from collections.abc import Iterator

import pytest

from kvm_insight.advise import check, registry
from kvm_insight.model import facts

from . import case, past, table

HOST = {one.id: one for one in registry.HOST}
DOMAIN = {one.id: one for one in registry.DOMAIN}
INSTANCE = {one.id: one for one in registry.INSTANCE}
FLEET = {one.id: one for one in registry.FLEET}
Row = case.HostRow | case.DomainRow | past.InstanceRow | past.FleetRow


def judge(found: check.Outcome, row: Row) -> None:
    assert type(found) is row.outcome, found
    if isinstance(found, check.Good | check.Bad):
        assert found.evidence
        assert all(where and value for where, value in found.evidence)
    words = found.evidence if isinstance(found, check.Good) else ()
    said = getattr(found, 'what', getattr(found, 'why', str(words)))
    assert said
    assert row.says in said


@pytest.mark.parametrize('row', table.HOST, ids=table.names(table.HOST))
def test_a_host_is_answered_for(row: case.HostRow) -> None:
    judge(HOST[row.check].look(case.host_case(row)), row)


@pytest.mark.parametrize('row', table.DOMAIN, ids=table.names(table.DOMAIN))
def test_a_domain_is_answered_for(row: case.DomainRow) -> None:
    judge(DOMAIN[row.check].look(case.domain_case(row)), row)


class _Others(tuple[facts.DomainFacts, ...]):
    """Guests that may belong to anybody: not to be looked at."""

    def __iter__(self) -> Iterator[facts.DomainFacts]:
        raise AssertionError('it looks at other guests')

    def __len__(self) -> int:
        raise AssertionError('it counts other guests')


TOLD = [row for row in table.DOMAIN if row.check in registry.TOLD]


@pytest.mark.parametrize('row', TOLD, ids=table.names(TOLD))
def test_what_a_project_is_told_is_of_its_own_domain_alone(
    row: case.DomainRow,
) -> None:
    asked = dataclasses.replace(case.domain_case(row), domains=_Others())
    judge(DOMAIN[row.check].look(asked), row)


@pytest.mark.parametrize(
    'row', table.INSTANCE, ids=table.names(table.INSTANCE)
)
def test_an_instance_is_answered_for(row: past.InstanceRow) -> None:
    judge(INSTANCE[row.check].look(past.instance_case(row)), row)


@pytest.mark.parametrize('row', table.FLEET, ids=table.names(table.FLEET))
def test_a_fleet_is_answered_for(row: past.FleetRow) -> None:
    judge(FLEET[row.check].look(check.FleetCase(row.hosts)), row)
