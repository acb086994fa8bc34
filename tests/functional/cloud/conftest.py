# SPDX-License-Identifier: Apache-2.0
"""One real cloud for the tests here, with instances of two projects."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest
from cloud import bed, place, tenancy

from kvm_insight import exception
from kvm_insight.cloud import settings
from tests.functional.cloud import proxy
from tests.functional.planner import conftest as planners

Json = Any
ZONE = 'north'


def within(
    seconds: float, done: Callable[[], object], every_s: float = 0.1
) -> Any:
    """Return what is true at last; no answer yet is not true."""
    until = time.monotonic() + seconds
    while True:
        try:
            found = done()
        except exception.CloudError as why:
            found, problem = None, str(why)
        else:
            problem = repr(found)
        if found:
            return found
        assert time.monotonic() < until, problem
        time.sleep(every_s)


@dataclasses.dataclass
class Stage:
    """A cloud, and what the tests do in it."""

    cloud: bed.Cloud
    api: tenancy.Api
    front: proxy.Proxy
    folder: pathlib.Path

    @property
    def where(self) -> place.Place:
        return self.cloud.where

    def asked(
        self,
        user: str = tenancy.READER,
        project: str = 'service',
        password: str | None = None,
        *,
        direct: bool = False,
        **more: Any,
    ) -> settings.Settings:
        """Return settings as from clouds.yaml, behind the proxy."""
        secret = password or self.where.secret(user)
        keystone = self.where.url('keystone')
        if not direct:
            keystone = self.front.url('identity')
        lines = [
            'clouds:',
            '  bed:',
            f'    region_name: {place.REGION}',
            '    auth:',
            f'      auth_url: {keystone}',
            f'      username: {user}',
            f'      password: {secret}',
            f'      project_name: {project}',
            '      user_domain_name: Default',
            '      project_domain_name: Default',
        ]
        if not direct:
            lines += [
                f'    {name}_endpoint_override: {self.front.url(name)}'
                for name in proxy.SERVICES
            ]
        path = self.folder / f'{user}-{direct}.yaml'
        path.write_text('\n'.join(lines) + '\n')
        base = settings.Settings(
            cloud='bed',
            clouds_file=str(path),
            poll_s=1.0,
            server_groups=user == 'admin',
        )
        return dataclasses.replace(base, **more)

    def tenant(self, user: str) -> tenancy.Api:
        return tenancy.Api(self.where, user)

    def boot(
        self,
        user: str,
        name: str,
        flavor: str = 'small',
        hints: Json = None,
        image: str = 'idle',
        **more: str,
    ) -> str:
        """Let an instance be started; return its id."""
        api = self.tenant(user)
        flavors = api.call('GET', 'nova', '/flavors')['flavors']
        path = f'/v2/images?name={image}'
        images = api.call('GET', 'glance', path)['images']
        server = {
            'name': name,
            'flavorRef': next(x['id'] for x in flavors if x['name'] == flavor),
            'imageRef': images[0]['id'],
            'networks': 'none',
            **more,
        }
        body = {'server': server, 'os:scheduler_hints': hints or {}}
        made = api.call('POST', 'nova', '/servers', body)
        return str(made['server']['id'])

    def wait_active(self, *uuids: str) -> None:
        """Return when they all run."""

        def active() -> bool:
            found = {str(self.server(uuid)['status']) for uuid in uuids}
            assert 'ERROR' not in found
            return found == {'ACTIVE'}

        within(240, active, 0.5)

    def server(self, uuid: str) -> Json:
        """Return an instance as admin sees it."""
        return self.api.call('GET', 'nova', f'/servers/{uuid}')['server']

    def delete(self, uuid: str) -> None:
        self.api.call('DELETE', 'nova', f'/servers/{uuid}')

    def on(self, uuid: str) -> str:
        return self.now(uuid)[0]

    def now(self, uuid: str) -> tuple[str, str]:
        """Return the host of an instance, and its status."""
        found = self.server(uuid)
        return str(found['OS-EXT-SRV-ATTR:host']), str(found['status'])

    def migrate(self, uuid: str, host: str) -> None:
        """Ask for a live migration as admin."""
        where = {'host': host, 'block_migration': 'auto'}
        path = f'/servers/{uuid}/action'
        self.api.call('POST', 'nova', path, {'os-migrateLive': where})

    def enable(self, host: str, status: str, **more: str) -> None:
        """Enable or disable a nova-compute."""
        path = f'/os-services?host={host}&binary=nova-compute'
        (found,) = self.api.call('GET', 'nova', path)['services']
        body = {'status': status, **more}
        self.api.call('PUT', 'nova', f'/os-services/{found["id"]}', body)


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> planners.Bench:
    """A bus of its own."""
    return planners.on_embedded(tmp_path)


class Begun:
    """A cloud that comes up in a process beside the tests."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix='ki-', dir='/var/tmp')
        self.home = pathlib.Path(folder)
        self._said = self.home / 'up.log'
        words = [sys.executable, str(_COMMAND), '--home', folder, 'up']
        with self._said.open('w') as file:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )

    def up(self) -> bed.Cloud:
        """Return it when all of it answers."""
        assert self._process.wait() == 0, self._said.read_text()
        return bed.Cloud(self.home)

    def wipe(self) -> None:
        """Stop all of it, and delete the state; once is enough."""
        if self.home.exists():
            self._process.terminate()
            self._process.wait()
            bed.Cloud(self.home).wipe()


_HERE = pathlib.Path(__file__).parent
_COMMAND = pathlib.Path(bed.__file__).with_name('cloud')
_BEGUN: pytest.StashKey[Begun] = pytest.StashKey()
#: A folder in which one is up and stays; another one ends as a whole.
STAYS = os.environ.get('KVM_INSIGHT_CLOUD')


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin the cloud at once if tests of this folder will be run."""
    wanted = any(_HERE in item.path.parents for item in session.items)
    config = session.config
    if STAYS or not wanted or config.getoption('collectonly'):
        return
    config.stash[_BEGUN] = Begun()
    config.add_cleanup(config.stash[_BEGUN].wipe)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, None, None]:
    """End the cloud after the last test here: it takes CPU from others."""
    yield
    is_last = nextitem is None or _HERE not in nextitem.path.parents
    if is_last and not STAYS:
        item.config.stash[_BEGUN].wipe()


@pytest.fixture(scope='session')
def cloud(pytestconfig: pytest.Config) -> bed.Cloud:
    """The cloud that was begun; or the one that is up in the folder that
    KVM_INSIGHT_CLOUD names, which stays then."""
    if STAYS:
        return bed.Cloud(pathlib.Path(STAYS))
    return pytestconfig.stash[_BEGUN].up()


@pytest.fixture(scope='session')
def stage(
    cloud: bed.Cloud, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The cloud with a proxy before it, and a zone that has both hosts."""
    api = tenancy.Api(cloud.where)
    if not api.call('GET', 'nova', '/os-aggregates')['aggregates']:
        body = {'aggregate': {'name': 'fast', 'availability_zone': ZONE}}
        made = api.call('POST', 'nova', '/os-aggregates', body)['aggregate']
        path = f'/os-aggregates/{made["id"]}/action'
        for host in cloud.computes:
            api.call('POST', 'nova', path, {'add_host': {'host': host}})
    front = proxy.Proxy(cloud.where)
    try:
        yield Stage(cloud, api, front, tmp_path_factory.mktemp('cloud'))
    finally:
        front.close()


@pytest.fixture(scope='session')
def servers(stage: Stage) -> Iterator[dict[str, str]]:
    """Name -> id: two of a group of one project, one of another one."""
    tenant = stage.tenant('tenant-a')
    body = {'server_group': {'name': 'pair', 'policy': 'soft-anti-affinity'}}
    group = tenant.call('POST', 'nova', '/os-server-groups', body)
    path = f'/os-server-groups/{group["server_group"]["id"]}'
    hints = {'group': group['server_group']['id']}
    found = {
        'a1': stage.boot(
            'tenant-a', 'a1', hints=hints, availability_zone=ZONE
        ),
        'a2': stage.boot('tenant-a', 'a2', hints=hints),
        'b1': stage.boot('tenant-b', 'b1', 'still'),
    }
    stage.wait_active(*found.values())
    yield found
    if STAYS:
        for uuid in found.values():
            stage.delete(uuid)
        tenant.call('DELETE', 'nova', path)


@pytest.fixture(autouse=True)
def healthy(stage: Stage) -> Iterator[None]:
    """Each test finds the services as they should be."""
    yield
    stage.front.faults.clear()
