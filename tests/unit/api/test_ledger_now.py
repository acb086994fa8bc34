# SPDX-License-Identifier: Apache-2.0
"""For whom an instance waits now, as far as the one who asks may know."""

from typing import Any

import pytest
import sqlalchemy as sa

from kvm_insight.model import charge, entity, host_report
from kvm_insight.store import table
from tests import filling
from tests.unit.api import conftest

ONE, TWO, THREE, FOUR = (filling.uuid(number) for number in (1, 2, 3, 4))
PATH = f'/v1/instances/{ONE}'
WHO = [entity.domain(uuid) for uuid in (ONE, TWO, THREE, FOUR)]
LEDGER = [
    (WHO[0], WHO[2], 70),
    (WHO[0], WHO[3], 30),
    (WHO[0], WHO[1], 20),
    (WHO[0], charge.REST, 6),
    (WHO[0], WHO[0], 5),
    (WHO[0], entity.QUOTA, 4),
    (WHO[0], entity.service('sshd'), 3),
    (WHO[0], entity.HOST, 2),
    (WHO[2], WHO[0], 50),
    (WHO[3], WHO[0], 8),
    (WHO[2], WHO[3], 90),
]


@pytest.fixture
def store(database: sa.Engine) -> sa.Engine:
    """One host with two of alpha's and two of others."""
    with database.begin() as store:
        filled = filling.Filling(store)
        filled.host('r/h1')
        for number, project in enumerate(('alpha', 'alpha', 'beta', 'gamma')):
            filled.instance(number + 1, project, 'r/h1')
        filled.now('r/h1', LEDGER)
    return database


def lines(found: Any) -> list[tuple[str, str | None, int]]:
    return [
        (line['party']['kind'], line['party']['name'], line['waited_us'])
        for line in found
    ]


def test_a_project_reads_all_others_as_one(store: sa.Engine) -> None:
    found = conftest.site(store).get('alice', PATH)['ledger_now']
    assert lines(found['suffered']) == [
        ('other projects', None, 106),
        ('instance', 'vm-2', 20),
        ('host', None, 5),
        ('instance', 'vm-1', 5),
        ('quota', None, 4),
    ]
    assert lines(found['caused']) == [('other projects', None, 58)]
    assert found['until_us'] == filling.NOW_US - 10_000_000
    assert found['until_us'] - found['since_us'] == 120_000_000


def test_an_operator_reads_each_by_its_name(store: sa.Engine) -> None:
    found = conftest.site(store).get('operator', PATH)['ledger_now']
    assert lines(found['suffered']) == [
        ('instance', 'vm-3', 70),
        ('instance', 'vm-4', 30),
        ('instance', 'vm-2', 20),
        ('rest', None, 6),
        ('instance', 'vm-1', 5),
        ('quota', None, 4),
        ('service', 'sshd', 3),
        ('host', None, 2),
    ]
    assert lines(found['caused']) == [
        ('instance', 'vm-3', 50),
        ('instance', 'vm-4', 8),
    ]


def test_who_is_in_no_account_waits_for_nobody(store: sa.Engine) -> None:
    with store.begin() as writer:
        filling.Filling(writer).now('r/h1', LEDGER[-1:])
    found = conftest.site(store).get('alice', PATH)['ledger_now']
    assert (found['suffered'], found['caused']) == ([], [])


def test_what_is_left_of_too_much_tells_a_project_nothing(
    store: sa.Engine,
) -> None:
    others = [
        (WHO[2], entity.service(f's-{number}'), 1000 - number)
        for number in range(host_report.MOST_CHARGES - 1)
    ]
    with store.begin() as writer:
        filling.Filling(writer).now('r/h1', [*others, LEDGER[0]])
    site = conftest.site(store)
    assert site.get('alice', PATH)['ledger_now'] is None
    found = site.get('operator', PATH)['ledger_now']
    assert lines(found['suffered']) == [('instance', 'vm-3', 70)]


@pytest.mark.parametrize(
    ('instance', 'time_us'),
    [
        ({'gone_us': filling.NOW_US}, filling.NOW_US),
        ({'host_id': None}, filling.NOW_US),
        # Its host fell silent.
        ({}, filling.NOW_US - filling.HOUR_US),
    ],
)
def test_what_is_not_of_now_is_not_told(
    store: sa.Engine, instance: dict[str, Any], time_us: int
) -> None:
    with store.begin() as writer:
        filling.Filling(writer).now('r/h1', LEDGER, time_us=time_us)
        if instance:
            writer.execute(
                sa.update(table.INSTANCE)
                .where(table.INSTANCE.c.uuid == ONE)
                .values(**instance)
            )
    site = conftest.site(store)
    for who in ('operator', 'alice'):
        assert site.get(who, PATH)['ledger_now'] is None


def test_a_host_without_a_ledger_tells_nothing(cloud: conftest.Site) -> None:
    assert cloud.get('alice', PATH)['ledger_now'] is None


def test_the_page_shows_it(store: sa.Engine) -> None:
    site = conftest.site(store)
    html = {'Accept': 'text/html'}
    path = f'/instances/{ONE}'
    mine = site.ask('alice', path, headers=html).text
    assert 'Whom it waits for now' in mine
    assert 'other projects' in mine
    assert 'its own vCPUs</th>' in mine
    assert THREE not in mine
    whole = site.ask('operator', path, headers=html).text
    assert whole.count('>vm-3<') == 3  # Twice here, and as a neighbour.
