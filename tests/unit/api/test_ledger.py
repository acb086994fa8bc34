# SPDX-License-Identifier: Apache-2.0
"""Who waited for whom, added up over the hours that were asked for."""

from typing import Any

import pytest
import sqlalchemy as sa

from kvm_insight.model import entity
from tests import filling
from tests.unit.api import conftest

ONE, TWO, THREE = (filling.uuid(number) for number in (1, 2, 3))
SPAN = f'?since={filling.HOUR * filling.HOUR_US}&until={filling.NOW_US}'


@pytest.fixture
def cloud(database: sa.Engine) -> conftest.Site:
    """Two hours of one host with two of alpha's and one of beta's."""
    with database.begin() as store:
        filled = filling.Filling(store)
        filled.host('r/h1')
        one, two, three = (
            entity.domain(filled.instance(number, project, 'r/h1'))
            for number, project in ((1, 'alpha'), (2, 'alpha'), (3, 'beta'))
        )
        ledger = [
            (one, three, 70),
            (one, two, 20),
            (one, one, 5),
            (one, entity.QUOTA, 4),
            (one, entity.service('sshd'), 3),
            (one, entity.HOST, 2),
            (one, entity.UNATTRIBUTED, 1),
            (three, one, 50),
            (two, three, 9),
        ]
        for hour in (filling.HOUR - 1, filling.HOUR):
            filled.hour('r/h1', hour, ledger, {ONE: 70, TWO: 9, THREE: 50})
    return conftest.site(database)


def lines(found: Any) -> list[tuple[str, str | None, int]]:
    return [
        (line['party']['kind'], line['party']['name'], line['waited_us'])
        for line in found
    ]


def test_a_project_reads_all_others_as_one(cloud: conftest.Site) -> None:
    found = cloud.get('alice', f'/v1/instances/{ONE}/ledger{SPAN}')
    assert lines(found['suffered']) == [
        ('other projects', None, 70),
        ('instance', 'vm-2', 20),
        ('host', None, 5),
        ('instance', 'vm-1', 5),
        ('quota', None, 4),
        ('unattributed', None, 1),
    ]
    assert lines(found['caused']) == [('other projects', None, 50)]
    assert found['measured_us'] == filling.HOUR_US
    assert found['delay_us'] == 1070


def test_an_operator_reads_each_by_its_name(cloud: conftest.Site) -> None:
    found = cloud.get('operator', f'/v1/instances/{ONE}/ledger{SPAN}')
    assert lines(found['suffered']) == [
        ('instance', 'vm-3', 70),
        ('instance', 'vm-2', 20),
        ('instance', 'vm-1', 5),
        ('quota', None, 4),
        ('service', 'sshd', 3),
        ('host', None, 2),
        ('unattributed', None, 1),
    ]
    whole = cloud.get('operator', f'/v1/instances/{ONE}/ledger')
    assert lines(whole['suffered'])[0] == ('instance', 'vm-3', 140)


def test_the_matrix_of_a_host_adds_up(cloud: conftest.Site) -> None:
    found = cloud.get('operator', f'/v1/hosts/r/h1/ledger{SPAN}')
    parties = [one['entity'] for one in found['parties']]
    charges = {
        (parties[victim], parties[runner]): us
        for victim, runner, us in found['charges']
    }
    assert charges[entity.domain(ONE), entity.domain(THREE)] == 70
    assert charges[entity.domain(THREE), entity.domain(ONE)] == 50
    assert len(charges) == 9
    assert found['measured_us'] == filling.HOUR_US


def test_hours_tell_what_was_measured_and_what_not(
    cloud: conftest.Site,
) -> None:
    (hour,) = cloud.get('alice', f'/v1/instances/{ONE}/hours{SPAN}')['hours']
    assert hour['start_us'] == filling.HOUR * filling.HOUR_US
    assert hour['coverage'] == 1.0
    assert hour['waited']['neighbour_us'] == 70
    assert hour['disk']['read_bytes'] == 4096
    assert hour['network'] is None
    assert 'host' not in hour
    assert len(hour['host_id']) == 56
    path = f'/v1/instances/{ONE}/hours'
    both = cloud.get('operator', path)['hours']
    assert [one['host'] for one in both] == ['r/h1', 'r/h1']
    (host,) = cloud.get('operator', f'/v1/hosts/r/h1/hours{SPAN}')['hours']
    assert host['pressure'] == {'cpu_some_us': 5}
    assert host['run_us'] is None


@pytest.mark.parametrize(
    'query',
    ['?since=2026-11-28&until=2026-11-27', '?since=0', '?step=minute'],
)
def test_a_time_that_is_too_long_or_none_is_refused(
    cloud: conftest.Site, query: str
) -> None:
    path = f'/v1/instances/{ONE}/hours{query}'
    assert cloud.ask('alice', path).status_code == 400
