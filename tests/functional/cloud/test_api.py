# SPDX-License-Identifier: Apache-2.0
"""The API before a real Keystone: who may see what by which token."""

import dataclasses
import http.client
import json
import pathlib
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from cloud import bed, place, tenancy

from kvm_insight import conf
from kvm_insight.api import assembly, server
from kvm_insight.conf import database as database_options
from kvm_insight.model import entity
from kvm_insight.store import engine, schema
from tests import filling

pytestmark = pytest.mark.timeout(900)

AUDITOR, OUTSIDER, DOMAIN_READER = 'auditor', 'outsider', 'domain-reader'
#: The same token, but for a time that is over: as Keystone itself writes it.
EXPIRE = """
import pathlib, sys
import msgpack
from cryptography import fernet
folder, token = sys.argv[1:]
paths = sorted(pathlib.Path(folder).iterdir(), key=lambda x: -int(x.name))
keys = fernet.MultiFernet([fernet.Fernet(x.read_bytes()) for x in paths])
fields = msgpack.unpackb(keys.decrypt(token + '=' * (-len(token) % 4)))
times = [n for n, x in enumerate(fields) if isinstance(x, float)]
assert len(times) == 1, fields
fields[times[0]] -= 86400 * 2
made = keys.encrypt(msgpack.packb(fields)).rstrip(b'=')
print(made.decode())
"""


@dataclasses.dataclass
class Site:
    """The API of this cloud."""

    cloud: bed.Cloud
    port: int
    #: Name -> Keystone's id.
    projects: dict[str, str]

    def token(self, user: str, scope: Any) -> str:
        """Return a token from Keystone."""
        who = {'name': user, 'domain': {'id': 'default'}}
        password = self.cloud.where.secret(user)
        body = {
            'auth': {
                'identity': {
                    'methods': ['password'],
                    'password': {'user': {**who, 'password': password}},
                },
                'scope': scope,
            }
        }
        asked = urllib.request.Request(
            self.cloud.where.url('keystone') + '/auth/tokens',
            json.dumps(body).encode(),
            {'Content-Type': 'application/json'},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(asked, timeout=60) as answer:
            return str(answer.headers['X-Subject-Token'])

    def member(self, name: str) -> str:
        return self.token(name, {'project': {'id': self.projects[name]}})

    def ask(
        self, token: str | None, path: str, method: str = 'GET'
    ) -> tuple[int, dict[str, str], bytes]:
        way = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        headers = {} if token is None else {'X-Auth-Token': token}
        try:
            way.request(method, path, headers=headers)
            answer = way.getresponse()
            return answer.status, _lower(answer), answer.read()
        finally:
            way.close()

    def status(self, token: str | None, path: str, method: str = 'GET') -> int:
        return self.ask(token, path, method)[0]


def _lower(answer: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def configuration(folder: pathlib.Path, where: place.Place) -> str:
    keystone = where.url('keystone')
    path = folder / 'api.conf'
    path.write_text(
        '[api]\nauth = keystone\nport = 0\n'
        f'[bus]\npath = {folder}/bus.db\n'
        f'[database]\nconnection = sqlite:///{folder}/store.db\n'
        '[keystone_authtoken]\nauth_type = password\n'
        f'www_authenticate_uri = {keystone}\nauth_url = {keystone}\n'
        f'username = nova\npassword = {where.secret("nova")}\n'
        'project_name = service\nuser_domain_id = default\n'
        f'project_domain_id = default\nregion_name = {place.REGION}\n'
        'service_token_roles_required = true\n'
        # Else a token that was taken back is good for some minutes more.
        'token_cache_time = -1\n'
    )
    return str(path)


def people(cloud: bed.Cloud) -> dict[str, str]:
    """Let there be those who are not in a project; return the projects."""
    api = tenancy.Api(cloud.where)
    reader = api.ensure('role', 'reader')
    admin = api.ensure('role', 'admin')
    for name, places in (
        (AUDITOR, [f'/system/users/{{}}/roles/{reader}']),
        (DOMAIN_READER, [f'/domains/default/users/{{}}/roles/{admin}']),
        (OUTSIDER, []),
    ):
        known = api.ensure(
            'user',
            name,
            domain_id='default',
            password=cloud.where.secret(name),
        )
        for one in places:
            api.call('PUT', 'keystone', one.format(known))
    return {
        name: api.ensure('project', name, domain_id='default')
        for name in (*tenancy.TENANTS, 'admin')
    }


@pytest.fixture(scope='module')
def site(
    cloud: bed.Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """One instance of each tenant on one host; a's suffers from b's."""
    folder = tmp_path_factory.mktemp('api')
    loaded = conf.load([configuration(folder, cloud.where)])
    database = engine.connect(database_options.settings(loaded))
    schema.upgrade(database)
    projects = people(cloud)
    with database.begin() as store:
        filled = filling.Filling(store)
        filled.host('RegionOne/compute1')
        for number, name in enumerate(tenancy.TENANTS, 1):
            filled.instance(number, projects[name], 'RegionOne/compute1')
        victim, aggressor = (
            entity.domain(filling.uuid(number)) for number in (1, 2)
        )
        filled.finding('f-1', 'RegionOne/compute1', victim, [aggressor])
    database.dispose()
    stop = threading.Event()
    with assembly.opened(loaded) as opened:
        made = server.Server(opened.wsgi, assembly.server_settings(loaded))
        thread = threading.Thread(target=made.run, args=(stop,))
        thread.start()
        try:
            yield Site(cloud, made.port, projects)
        finally:
            stop.set()
            thread.join(20)


def test_a_reader_of_a_project_sees_its_own_alone(site: Site) -> None:
    for number, name in enumerate(tenancy.TENANTS, 1):
        token = site.member(name)
        status, _, text = site.ask(token, '/v1/instances')
        assert status == 200
        (found,) = json.loads(text)['instances']
        assert found['uuid'] == filling.uuid(number)
        assert found['project_id'] == site.projects[name]
        assert b'compute1' not in text
        assert site.status(token, '/v1/hosts') == 403
        assert site.status(token, '/v1/mutes', 'POST') == 403
        path = '/v1/recommendations/x/approve'
        assert site.status(token, path, 'POST') == 403
        _, _, text = site.ask(token, '/v1/findings')
        other = site.projects[tenancy.TENANTS[number % 2]]
        assert other.encode() not in text
        assert filling.uuid(number % 2 + 1).encode() not in text
        told = json.loads(text)['findings']
        # Who is named hears nothing: he could count those who suffer.
        assert len(told) == (1 if number == 1 else 0)
        assert all(one['id'] != 'f-1' for one in told)


def test_the_host_is_called_as_nova_calls_it_for_the_project(
    site: Site,
) -> None:
    token = site.member(tenancy.TENANTS[0])
    _, _, text = site.ask(token, '/v1/instances')
    (found,) = json.loads(text)['instances']
    code = (
        'import sys; from nova import utils;'
        ' print(utils.generate_hostid(*sys.argv[1:]))'
    )
    project = site.projects[tenancy.TENANTS[0]]
    python = site.cloud.where.venv / 'bin/python'
    done = subprocess.run(
        [python, '-c', code, 'compute1', project],
        capture_output=True,
        text=True,
        check=True,
    )
    assert found['host_id'] == done.stdout.strip().splitlines()[-1]


def test_admins_and_readers_of_the_system_see_all(site: Site) -> None:
    admin = site.token('admin', {'project': {'id': site.projects['admin']}})
    auditor = site.token(AUDITOR, {'system': {'all': True}})
    for token in (admin, auditor):
        status, _, text = site.ask(token, '/v1/instances')
        assert status == 200
        assert len(json.loads(text)['instances']) == 2
        assert site.status(token, '/v1/hosts/RegionOne/compute1') == 200
    path = '/v1/recommendations/nowhere/approve'
    assert site.status(admin, path, 'POST') == 404
    assert site.status(auditor, path, 'POST') == 403


@pytest.mark.parametrize('path', ['/v1/instances', '/v1/hosts'])
def test_a_token_for_nothing_or_for_a_domain_is_of_no_use(
    site: Site, path: str
) -> None:
    unscoped = site.token(OUTSIDER, 'unscoped')
    domain = site.token(DOMAIN_READER, {'domain': {'id': 'default'}})
    assert site.status(unscoped, path) == 403
    assert site.status(domain, path) == 403


def test_no_token_and_a_forged_one_are_refused_alike(site: Site) -> None:
    good = site.member(tenancy.TENANTS[0])
    status, headers, text = site.ask(None, '/v1/instances')
    assert status == 401
    assert headers['www-authenticate'].startswith('Keystone uri="http')
    assert json.loads(text)['errors'][0]['code'] == 'insight.unauthenticated'
    for forged in (
        good[:-4] + ('aaaa' if good[-4:] != 'aaaa' else 'bbbb'),
        'x' * 64,
        '-',
        "' OR 1=1 --",
    ):
        assert site.status(forged, '/v1/instances') == 401, forged


def test_headers_of_the_middleware_are_not_believed(site: Site) -> None:
    way = http.client.HTTPConnection('127.0.0.1', site.port, timeout=60)
    told = {
        'X-Identity-Status': 'Confirmed',
        'X-User-Id': 'me',
        'X-Roles': 'admin,reader',
        'X-Project-Id': site.projects[tenancy.TENANTS[0]],
        'OpenStack-System-Scope': 'all',
    }
    try:
        for headers in (
            told,
            {name.replace('-', '_'): value for name, value in told.items()},
        ):
            way.request('GET', '/v1/instances', headers=headers)
            answer = way.getresponse()
            answer.read()
            assert answer.status == 401
    finally:
        way.close()


def test_an_expired_token_is_refused(site: Site) -> None:
    where = site.cloud.where
    good = site.member(tenancy.TENANTS[0])
    done = subprocess.run(
        [
            where.venv / 'bin/python',
            '-c',
            EXPIRE,
            where.etc / 'keystone/fernet',
            good,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert site.status(good, '/v1/instances') == 200
    assert site.status(done.stdout.strip(), '/v1/instances') == 401


def test_a_token_that_was_taken_back_is_refused(site: Site) -> None:
    token = site.member(tenancy.TENANTS[1])
    assert site.status(token, '/v1/instances') == 200
    asked = urllib.request.Request(
        site.cloud.where.url('keystone') + '/auth/tokens',
        method='DELETE',
        headers={'X-Auth-Token': token, 'X-Subject-Token': token},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked, timeout=60):
        pass
    assert site.status(token, '/v1/instances') == 401
