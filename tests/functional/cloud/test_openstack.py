# SPDX-License-Identifier: Apache-2.0
"""``openstack insight`` with a real Keystone: the endpoint is that of its
catalog, and a project's reader sees what is its own."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from cloud import bed, place, tenancy

from tests import filling
from tests.functional.cloud import test_api
from tests.functional.osc import conftest

pytestmark = pytest.mark.timeout(900)

#: The same API as there, for those here.
site = test_api.site


@pytest.fixture(scope='module')
def catalogued(site: test_api.Site) -> Iterator[test_api.Site]:
    """The API, where clients look for it."""
    api = tenancy.Api(site.cloud.where)
    service = api.ensure('service', 'kvm-insight', type='insight')
    endpoint = {
        'service_id': service,
        'interface': 'public',
        'region': place.REGION,
        'url': f'http://127.0.0.1:{site.port}',
    }
    body = {'endpoint': endpoint}
    made = api.call('POST', 'keystone', '/endpoints', body)
    yield site
    ident = made['endpoint']['id']
    api.call('DELETE', 'keystone', f'/endpoints/{ident}')
    api.call('DELETE', 'keystone', f'/services/{service}')


def ask(cloud: bed.Cloud, name: str, words: str) -> Any:
    """Run ``openstack`` as the user of a project that is called so."""
    return conftest.openstack(
        conftest.environment(
            OS_AUTH_URL=cloud.where.url('keystone'),
            OS_USERNAME=name,
            OS_PASSWORD=cloud.where.secret(name),
            OS_PROJECT_NAME=name,
            OS_USER_DOMAIN_NAME='Default',
            OS_PROJECT_DOMAIN_NAME='Default',
            OS_REGION_NAME=place.REGION,
        ),
        *words.split(),
    )


def test_a_reader_of_a_project_lists_its_own_instances(
    catalogued: test_api.Site,
) -> None:
    name = tenancy.TENANTS[0]
    words = 'insight instance list --long -f json'
    done = ask(catalogued.cloud, name, words)
    assert done.stderr == ''
    (found,) = json.loads(done.stdout)
    assert found['UUID'] == filling.uuid(1)
    assert found['Project ID'] == catalogued.projects[name]
    assert len(found['Host ID']) == 56
    assert 'compute1' not in done.stdout


def test_the_report_is_of_the_project_of_the_token(
    catalogued: test_api.Site,
) -> None:
    name = tenancy.TENANTS[1]
    done = ask(catalogued.cloud, name, 'insight report show -f json')
    # Within its first hour a site has nothing to report, and says so.
    assert done.stderr.strip().splitlines()[1:] == []
    assert 'Nothing was measured' in done.stderr
    assert json.loads(done.stdout)['project_id'] == catalogued.projects[name]


def test_what_is_not_for_readers_of_a_project_is_refused(
    catalogued: test_api.Site,
) -> None:
    done: subprocess.CompletedProcess[str] = ask(
        catalogued.cloud, tenancy.TENANTS[0], 'insight host list'
    )
    assert done.returncode == 1
    assert 'Another role, or a token of another scope' in done.stderr


def test_a_cloud_without_the_service_says_so(
    catalogued: test_api.Site,
) -> None:
    done = ask(
        catalogued.cloud,
        tenancy.TENANTS[0],
        '--os-interface internal insight instance list',
    )
    assert done.returncode == 1
    assert 'There is no service of type "insight"' in done.stderr
