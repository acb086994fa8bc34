# SPDX-License-Identifier: Apache-2.0
import json

import pytest
import sqlalchemy as sa

from kvm_insight.api import route, routes
from tests import filling
from tests.unit.api import conftest as units
from tests.unit.api.conftest import Site

ONE, TWO, THREE = (filling.uuid(number) for number in (1, 2, 3))

ADDRESSES = [
    (address, one)
    for address, methods in routes.ROUTES.items()
    for method, one in methods.items()
    if method == 'GET'
]


def filled_in(address: str) -> str:
    """Return an address of something that is there."""
    ident = 'f-1' if 'findings' in address else 'r-1'
    if 'projects' in address:
        ident = 'alpha'
    return (
        address.replace('{name+}', 'r/h1')
        .replace('{uuid}', ONE)
        .replace('{id}', ident)
    )


@pytest.mark.parametrize(('address', 'one'), ADDRESSES)
def test_what_is_there_is_answered_as_the_table_says(
    cloud: Site, address: str, one: route.Route
) -> None:
    answer = cloud.ask('operator', filled_in(address))
    assert answer.status_code == 200, answer.text
    assert one.answer is not None
    told = set(json.loads(answer.data)) - {'schema'}
    assert told <= set(one.answer.__struct_fields__)


@pytest.mark.parametrize(
    'address', ['/v1/projects/alpha/report', '/report?project=alpha']
)
def test_a_report_takes_one_connection(
    database: sa.Engine, address: str
) -> None:
    units.fill(database)
    few = sa.create_engine(
        database.url, pool_size=1, max_overflow=0, pool_timeout=0.2
    )
    answer = units.site(few).ask('operator', address)
    few.dispose()
    assert answer.status_code == 200, answer.text


def test_a_host_is_found_by_a_name_with_a_slash(cloud: Site) -> None:
    assert cloud.get('operator', '/v1/hosts/r/h2')['name'] == 'r/h2'
    assert cloud.get('operator', '/v1/hosts/r%2Fh2')['name'] == 'r/h2'
    assert cloud.get('operator', '/v1/hosts/r/h2/ledger')['host'] == 'r/h2'
    assert cloud.get('operator', '/v1/hosts/r%2Fh2/hours')['host'] == 'r/h2'


def test_a_project_sees_its_own_instances_and_none_besides(
    cloud: Site,
) -> None:
    found = cloud.get('alice', '/v1/instances')['instances']
    assert [one['uuid'] for one in found] == [ONE, TWO]
    found = cloud.get('bob', '/v1/instances')['instances']
    assert [one['uuid'] for one in found] == [THREE]


def test_others_than_operators_see_no_hosts(cloud: Site) -> None:
    assert cloud.ask('alice', '/v1/hosts').status_code == 403
    assert cloud.ask('watcher', '/v1/hosts').status_code == 200
    assert cloud.ask(None, '/v1/hosts').status_code == 401


def test_what_is_decided_goes_onto_the_bus(cloud: Site) -> None:
    path = '/v1/recommendations/r-1/approve'
    answer = cloud.ask('operator', path, 'POST', json={'reason': 'good'})
    assert answer.status_code == 202, answer.text
    ((key, said),) = cloud.said
    assert key == 'decision/recommendation/r-1'
    assert said is not None
    assert (said.kind, said.by, said.reason) == ('approval', 'olga', 'good')


def test_prometheus_reads_what_is_asked_and_what_there_is(
    cloud: Site,
) -> None:
    cloud.get('operator', '/v1/hosts/r/h1')
    assert cloud.ask(None, '/v1/metrics').status_code == 401
    assert cloud.ask('alice', '/v1/metrics').status_code == 403
    text = cloud.ask('watcher', '/v1/metrics').text
    assert (
        'kvm_insight_api_requests_total{address="/v1/hosts/<path:name>",'
        'method="GET",status="200"} 1.0'
    ) in text
    assert 'kvm_insight_store_hosts{state="silent"} 1.0' in text
    assert 'kvm_insight_store_open_findings{verdict="antagonist"} 2.0' in text
    assert 'kvm_insight_store_up 1.0' in text
