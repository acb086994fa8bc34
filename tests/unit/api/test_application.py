# SPDX-License-Identifier: Apache-2.0
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.model import control
from tests import filling
from tests.unit.api import conftest
from tests.unit.api.conftest import Site


def code(answer: Any) -> str:
    (one,) = json.loads(answer.data)['errors']
    assert one['status'] == answer.status_code
    assert one['request_id'] == answer.headers['X-Openstack-Request-Id']
    return str(one['code'])


def test_versions_need_no_token_and_all_else_does(cloud: Site) -> None:
    (version,) = json.loads(cloud.ask(None, '/').data)['versions']
    assert (version['id'], version['max_version']) == ('v1', '1.0')
    assert cloud.ask(None, '/v1/').status_code == 200
    assert code(cloud.ask(None, '/v1/hosts')) == 'insight.unauthenticated'
    assert code(cloud.ask('who?', '/v1/hosts')) == 'insight.unauthenticated'


@pytest.mark.parametrize(
    ('asked', 'status', 'answered'),
    [
        (None, 200, 'insight 1.0'),
        ('insight 1.0', 200, 'insight 1.0'),
        ('insight latest', 200, 'insight 1.0'),
        ('compute 2.90', 200, 'insight 1.0'),
        ('compute 2.90, insight 1.0', 200, 'insight 1.0'),
        ('insight 1.99', 406, 'insight 1.0'),
        ('insight 0.1', 406, 'insight 1.0'),
        ('insight two', 400, 'insight 1.0'),
    ],
)
def test_a_version_that_is_not_there_is_refused(
    cloud: Site, asked: str | None, status: int, answered: str
) -> None:
    headers = {'OpenStack-API-Version': asked} if asked else {}
    answer = cloud.ask('operator', '/v1/hosts', headers=headers)
    assert answer.status_code == status
    assert answer.headers['OpenStack-API-Version'] == answered
    assert 'OpenStack-API-Version' in answer.headers['Vary']


def test_what_did_not_change_is_not_sent_again(
    cloud: Site, database: sa.Engine
) -> None:
    first = cloud.ask('operator', '/v1/hosts')
    told = {'If-None-Match': first.headers['ETag']}
    again = cloud.ask('operator', '/v1/hosts', headers=told)
    assert (again.status_code, again.data) == (304, b'')
    assert again.headers['ETag'] == first.headers['ETag']
    with database.begin() as store:
        filling.Filling(store).host('r/h9')
    assert cloud.ask('operator', '/v1/hosts', headers=told).status_code == 200


@pytest.mark.parametrize(
    'query',
    [
        'unknown=1',
        'limit=0',
        'limit=1001',
        'limit=x',
        'limit=1&limit=2',
        'sort_key=record',
        'fields=name,record',
        'enabled=perhaps',
        'marker=nowhere',
        'state=open',
    ],
)
def test_a_query_that_cannot_be_is_refused(cloud: Site, query: str) -> None:
    answer = cloud.ask('operator', f'/v1/hosts?{query}')
    assert answer.status_code == 400
    assert code(answer) in ('insight.query_invalid', 'insight.marker_unknown')


def test_just_the_fields_that_are_wanted_are_told(cloud: Site) -> None:
    path = '/v1/hosts?fields=name,cpus&limit=2'
    found = cloud.get('operator', path)
    assert found['hosts'] == [
        {'name': 'r/h1', 'cpus': 8},
        {'name': 'r/h2', 'cpus': 4},
    ]
    (link,) = found['links']
    assert link['href'].endswith('fields=name%2Ccpus&limit=2&marker=r%2Fh2')
    rest = cloud.get('operator', link['href'])
    assert [one['name'] for one in rest['hosts']] == ['r/h3']


@pytest.mark.parametrize(
    ('body', 'status', 'why'),
    [
        ({'about': 'host', 'subject': 'r/h1', 'more': 1}, 400, 'body_invalid'),
        ({'about': 'cloud', 'subject': 'r/h1'}, 400, 'body_invalid'),
        ({'about': 'host', 'subject': ''}, 400, 'body_invalid'),
        ({'about': 'host', 'subject': 'a b'}, 400, 'body_invalid'),
        ({'about': 'host', 'subject': 'a\n'}, 400, 'body_invalid'),
        ({'about': 'host', 'subject': 'a', 'ends_us': 1}, 400, 'body_invalid'),
        ([], 400, 'body_invalid'),
    ],
)
def test_a_body_that_cannot_be_is_refused(
    cloud: Site, body: Any, status: int, why: str
) -> None:
    answer = cloud.ask('operator', '/v1/mutes', 'POST', json=body)
    assert (answer.status_code, code(answer)) == (status, f'insight.{why}')
    assert cloud.said == []


@pytest.mark.parametrize(
    ('data', 'kind', 'status'),
    [
        (b'{"about": "host", "subject": "x"}', 'text/plain', 415),
        (b'{"about": "host", "subject": "\xff"}', 'application/json', 400),
        (b'[' * 5000, 'application/json', 400),
        (b'', 'application/json', 400),
        (b'{}' + b' ' * 2**17, 'application/json', 413),
    ],
)
def test_what_is_no_json_is_refused(
    cloud: Site, data: bytes, kind: str, status: int
) -> None:
    answer = cloud.ask(
        'operator', '/v1/mutes', 'POST', data=data, content_type=kind
    )
    assert answer.status_code == status
    assert cloud.said == []


def test_methods_and_addresses_that_are_not_there_are_refused(
    cloud: Site,
) -> None:
    answer = cloud.ask('operator', '/v1/hosts', 'PATCH')
    assert code(answer) == 'insight.method_not_allowed'
    assert 'GET' in answer.headers['Allow']
    assert code(cloud.ask('operator', '/v2/hosts')) == 'insight.not_found'
    for trick in (
        '/v1/hosts/../instances',
        '/v1//hosts',
        '/v1/hosts/',
        '/v1/instances/%00',
        '/v1/hosts/..%2f..%2fetc%2fpasswd',
        "/v1/instances/' OR 1=1 --",
    ):
        assert cloud.ask('operator', trick).status_code == 404, trick


def test_sql_in_a_filter_finds_nothing_and_breaks_nothing(
    cloud: Site,
) -> None:
    for text in ("' OR 1=1 --", '%', '_', '"; DROP TABLE host; --', '\\'):
        for name in ('aggregate', 'availability_zone'):
            answer = cloud.ask(
                'operator', '/v1/hosts', query_string={name: text}
            )
            assert json.loads(answer.data)['hosts'] == []
    path = '/v1/hosts?aggregate=nice "ones"'
    assert len(cloud.get('operator', path)['hosts']) == 1
    assert len(cloud.get('operator', '/v1/hosts')['hosts']) == 3


def test_a_recommendation_that_is_over_or_changed_is_not_decided(
    cloud: Site,
) -> None:
    path = '/v1/recommendations/r-{}/approve'
    answer = cloud.ask('operator', path.format(2), 'POST')
    assert code(answer) == 'insight.conflict'
    other = {'If-Match': '"another"'}
    answer = cloud.ask('operator', path.format(1), 'POST', headers=other)
    assert code(answer) == 'insight.precondition_failed'
    assert code(cloud.ask('watcher', path.format(1), 'POST')) == (
        'insight.forbidden'
    )
    assert cloud.ask('operator', path.format(3), 'POST').status_code == 404
    assert cloud.said == []
    same = {'If-Match': '"print-of-r-1"'}
    answer = cloud.ask('operator', path.format(1), 'POST', headers=same)
    assert answer.status_code == 202
    assert len(cloud.said) == 1


def test_orders_are_said_and_taken_back(cloud: Site) -> None:
    window = {
        'about': 'host',
        'subject': 'r/h1',
        'name': 'night',
        'begins_us': 1,
        'ends_us': 3_600_000_001,
        'every_s': 86400,
    }
    answer = cloud.ask('operator', '/v1/blackout-windows', 'POST', json=window)
    assert answer.status_code == 202, answer.text
    made = json.loads(answer.data)
    assert made['id'] == 'host/r/h1/night'
    ((key, order),) = cloud.said
    assert key == 'blackout/host/r/h1/night'
    assert order is not None
    assert control.key(order) == key
    cloud.said.clear()
    path = '/v1/mutes/host/r/h2'
    assert cloud.get('operator', '/v1/mutes')['mutes'][0]['id'] == 'host/r/h2'
    answer = cloud.ask('operator', path, 'DELETE')
    assert (answer.status_code, answer.data) == (202, b'')
    assert cloud.said == [('mute/host/r/h2', None)]
    assert cloud.ask('operator', path + '0', 'DELETE').status_code == 404


def broken(kind: type[Exception]) -> Callable[..., None]:
    def say(key: str, order: control.Order | None) -> None:
        raise kind('secret words')

    return say


@pytest.mark.parametrize(
    ('kind', 'status'),
    [
        (exception.BusUnavailable, 503),
        (exception.BusRefused, 503),
        (ZeroDivisionError, 500),
    ],
)
def test_what_breaks_is_told_in_no_words_but_ours(
    database: sa.Engine, kind: type[Exception], status: int
) -> None:
    conftest.fill(database)
    site = conftest.site(database, say=broken(kind))
    body = {'about': 'host', 'subject': 'r/h1'}
    answer = site.ask('operator', '/v1/mutes', 'POST', json=body)
    assert answer.status_code == status
    assert 'secret' not in answer.text


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    away = sa.create_engine('sqlite:////nowhere/at/all.db')
    site = conftest.site(away)
    answer = site.ask('operator', '/v1/hosts')
    assert code(answer) == 'insight.unavailable'
    assert 'nowhere' not in answer.text
    text = site.ask('operator', '/v1/metrics').text
    assert 'kvm_insight_store_up 0.0' in text
