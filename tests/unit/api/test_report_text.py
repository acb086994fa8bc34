# SPDX-License-Identifier: Apache-2.0
import csv
import io
import json

import pytest
import sqlalchemy as sa

from kvm_insight.api import routes
from tests import filling
from tests.unit.api.conftest import REQUEST_ID, Site

ADDRESS = '/v1/projects/alpha/report'
FORMS = ['csv', 'html']


@pytest.mark.parametrize('form', FORMS)
def test_a_report_is_a_text_of_the_kind_that_the_table_says(
    cloud: Site, form: str
) -> None:
    answer = cloud.ask('alice', f'{ADDRESS}?format={form}')
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == f'text/{form}'
    one = routes.ROUTES['/v1/projects/{id}/report']['GET']
    assert answer.mimetype in one.texts
    assert filling.uuid(1) in answer.text
    assert 'sandbox' in answer.headers['Content-Security-Policy']
    assert 'private' in answer.headers['Cache-Control']


@pytest.mark.parametrize('form', FORMS)
def test_no_text_names_anybody_else(cloud: Site, form: str) -> None:
    told = cloud.ask('alice', f'{ADDRESS}?format={form}').text
    for secret in ('beta', 'vm-3', filling.uuid(3), 'r/h1', 'sshd'):
        assert secret not in told
    foreign = f'/v1/projects/beta/report?format={form}'
    none = f'/v1/projects/gamma/report?format={form}'
    assert cloud.ask('alice', foreign).status_code == 404
    assert cloud.ask('alice', none).status_code == 404


def test_each_table_can_be_had(cloud: Site) -> None:
    answer = cloud.ask('alice', f'{ADDRESS}?format=csv&table=findings')
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row['instance'] for row in rows} == {
        filling.uuid(1),
        filling.uuid(2),
    }
    bad = cloud.ask('alice', f'{ADDRESS}?format=csv&table=secrets')
    assert bad.status_code == 400


@pytest.mark.parametrize(
    ('query', 'name'),
    [
        ('month=2030-01', 'month'),
        ('since=2030-01-01&until=2030-02-01', 'since'),
    ],
)
def test_a_period_that_has_not_begun_has_no_report(
    cloud: Site, query: str, name: str
) -> None:
    answer = cloud.ask('alice', f'{ADDRESS}?{query}')
    assert answer.status_code == 400
    detail = json.loads(answer.data)['errors'][0]['detail']
    assert detail == (
        f'{name}: this period has not begun; now it is 2026-11-28.'
    )


def test_what_was_not_measured_is_no_zero_on_the_page(cloud: Site) -> None:
    # Cookies are looked at outside; a token is as good.
    shown = cloud.ask('operator', '/report?project=alpha')
    assert shown.status_code == 200, shown.text
    assert 'Nothing was measured' in shown.text
    assert 'look again after the full hour' in shown.text
    assert '<b>0</b> <span>core-hours' not in shown.text
    assert '<td class="n">0</td>' not in shown.text
    assert '0<small> core-h' not in shown.text


@pytest.mark.parametrize(
    ('query', 'told'),
    [
        ('month=November', 'month: YYYY-MM, for example 2026-11.'),
        ('month=2026-13', 'month: YYYY-MM, for example 2026-11.'),
        ('since=soon', ', for example 2026-11-01T12:00:00Z.'),
        ('until=1e9&since=2026-11-01', 'until: a day, a moment of ISO 8601'),
        ('format=pdf', "Invalid enum value 'pdf'"),
    ],
)
def test_what_a_parameter_must_look_like_is_said_in_words(
    cloud: Site, query: str, told: str
) -> None:
    answer = cloud.ask('alice', f'{ADDRESS}?{query}')
    assert answer.status_code == 400
    detail = json.loads(answer.data)['errors'][0]['detail']
    assert told in detail
    assert 'regex' not in detail


def test_operators_may_name_a_project_and_nobody_else_may(
    cloud: Site, database: sa.Engine
) -> None:
    named = '/v1/projects/name-of-alpha/report'
    for who in ('operator', 'watcher'):
        assert cloud.get(who, named) == cloud.get(who, ADDRESS)
    answers = {
        REQUEST_ID.sub(
            '', cloud.ask('alice', f'/v1/projects/{one}/report').text
        )
        for one in ('name-of-alpha', 'name-of-beta', 'beta', 'nobody')
    }
    assert len(answers) == 1
    assert cloud.ask('operator', '/v1/projects/no/report').status_code == 404
    with database.begin() as store:
        filling.Filling(store).project('alpha-2', 'name-of-alpha')
        filling.Filling(store).project('name-of-beta', 'x')
    answer = cloud.ask('operator', named)
    assert answer.status_code == 409
    assert 'alpha, alpha-2' in json.loads(answer.data)['errors'][0]['detail']
    # An id goes before a name.
    told = cloud.get('operator', '/v1/projects/name-of-beta/report')
    assert told['project_id'] == 'name-of-beta'
