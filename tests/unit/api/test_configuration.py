# SPDX-License-Identifier: Apache-2.0
"""Advice: operators see what was read, projects what to do about theirs."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from kvm_insight.advise import registry
from tests import filling
from tests.unit.api import conftest

PATH = '/v1/configuration-findings'
HTML = {'Accept': 'text/html'}
#: What only operators may read: filling has it in each record.
INNER = ('r/h1', 'host-secret', 'on r/')


def listed(
    cloud: conftest.Site, who: str, query: str = ''
) -> list[dict[str, Any]]:
    found = cloud.get(who, PATH + query)['configuration_findings']
    assert isinstance(found, list)
    return found


def test_operators_see_what_was_read_and_what_to_do(
    cloud: conftest.Site,
) -> None:
    found = {one['id']: one for one in listed(cloud, 'operator')}
    assert found.keys() == {'c-1', 'c-2'}
    one = found['c-1']
    assert one['what'] == 'on r/h1'
    assert one['evidence'] == [{'where': '/r/h1/x', 'value': 'host-secret'}]
    assert one['record']['schema'] == 'kvm_insight.configuration/1'
    asked = registry.known('disk.emulated')
    assert asked is not None
    assert one['about'] == {
        'title': asked.title,
        'reason': asked.reason,
        'remedy': asked.libvirt,
        'remedy_nova': asked.nova,
        'unless': asked.unless,
        'source': asked.source,
    }
    assert (found['c-2']['instance'], found['c-2']['host']) == (None, 'r/h1')


def test_a_project_sees_its_own_and_no_word_of_the_host(
    cloud: conftest.Site,
) -> None:
    answer = cloud.ask('alice', PATH)
    (one,) = json.loads(answer.data)['configuration_findings']
    assert one['instance'] == filling.uuid(1)
    assert one['about']['remedy_nova']
    assert not {'host', 'what', 'evidence', 'record'} & one.keys()
    assert not [word for word in INNER if word in answer.text]
    assert listed(cloud, 'bob') == []


@pytest.mark.parametrize('query', ['?fields=what', '?fields=evidence,record'])
def test_no_query_brings_a_project_more(
    cloud: conftest.Site, query: str
) -> None:
    answer = cloud.ask('alice', PATH + query)
    assert not [word for word in INNER if word in answer.text]


@pytest.mark.parametrize(
    'name',
    ['pinning.conflict', 'pinning.intruded', 'pinning.shared-core', 'later.x'],
)
def test_a_project_is_not_told_what_tells_of_other_guests(
    database: sa.Engine, name: str
) -> None:
    with database.begin() as store:
        cloud = filling.Filling(store)
        cloud.host('r/h1')
        mine = cloud.instance(1, 'alpha', 'r/h1')
        cloud.configuration('c-1', 'r/h1', mine)
        cloud.configuration('c-9', 'r/h1', mine, check=name)
    site = conftest.site(database)
    assert len(listed(site, 'operator', f'?check={name}')) == 1
    assert [one['check'] for one in listed(site, 'alice')] == ['disk.emulated']
    assert listed(site, 'alice', f'?check={name}') == []
    assert name not in site.ask('alice', '/advice', headers=HTML).text


def test_what_is_set_up_badly_is_no_finding_of_a_wait(
    cloud: conftest.Site,
) -> None:
    found = cloud.get('operator', '/v1/findings')['findings']
    assert {one['id'] for one in found} == {'f-1', 'f-2', 'f-3'}


def test_a_check_that_is_not_known_here_has_its_id_alone(
    database: sa.Engine,
) -> None:
    conftest.fill(database)
    with database.begin() as store:
        cloud = filling.Filling(store)
        cloud.host('r/h9')
        cloud.configuration('c-9', 'r/h9', check='later.version')
    site = conftest.site(database)
    (one,) = listed(site, 'operator', '?check=later.version')
    assert one['about'] is None
    page = site.ask('operator', '/advice?check=later.version', headers=HTML)
    assert 'later.version' in page.text


def test_the_page_says_what_is_wrong_and_what_to_do(
    cloud: conftest.Site,
) -> None:
    asked = registry.known('disk.emulated')
    assert asked is not None
    for who, sees in (('operator', True), ('alice', False)):
        page = cloud.ask(who, '/advice', headers=HTML)
        assert page.status_code == 200
        assert asked.title in page.text
        assert 'hw_disk_bus=virtio' in page.text
        assert asked.source in page.text
        assert ('host-secret' in page.text) == sees
    assert cloud.ask('bob', '/advice', headers=HTML).text.count('c-1') == 0


@pytest.mark.parametrize('severity', ['high', 'medium', 'low'])
def test_the_page_is_filtered_by_the_severities_that_there_are(
    cloud: conftest.Site, severity: str
) -> None:
    page = cloud.ask('operator', f'/advice?severity={severity}', headers=HTML)
    assert f'value="{severity}" selected' in page.text
    assert ('id="c-c-1"' in page.text) == (severity == 'medium')
