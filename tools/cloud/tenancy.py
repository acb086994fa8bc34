# SPDX-License-Identifier: Apache-2.0
"""Who is who in the cloud: projects, users, roles, endpoints; and what they
can start: flavors and images."""

import json
import pathlib
import urllib.error
import urllib.request
from typing import Any

from cloud import place

Json = Any
TENANTS = ('tenant-a', 'tenant-b')
#: The user with nothing but the role of the policy files for reading; and
#: those with the role of one more file each.
READER = 'kvm-insight'
READER_ROLE = 'kvm_insight'
MARKER, MARKER_ROLE = 'kvm-insight-marks', 'kvm_insight_marks'
MOVER, MOVER_ROLE = 'kvm-insight-actuator', 'kvm_insight_actuator'
TYPES = {
    'keystone': 'identity',
    'nova': 'compute',
    'placement': 'placement',
    'glance': 'image',
    'network': 'network',
}
#: Name -> (MiB, vCPUs, extra specs).
FLAVORS: dict[str, tuple[int, int, dict[str, str]]] = {
    'small': (128, 1, {}),
    'still': (128, 1, {'kvm_insight:movable': 'false'}),
    'double': (192, 2, {}),
}
_BOOT = 'console=ttyS0 quiet panic=5 tsc=unstable'
#: Name -> what the guest does with its CPU (see tools/lab/guest-init).
IMAGES = {
    'idle': 'sched=3600:0',
    'calm': 'sched=3600:1',
    'busy': 'sched=3600:100',
}


class Api:
    """Asks the services as one user, whose project has the same name."""

    def __init__(self, where: place.Place, user: str = 'admin') -> None:
        """Get a token."""
        self.where = where
        self._token = ''
        who = {'name': user, 'domain': {'id': 'default'}}
        scope = {'project': who}
        secret = {'password': where.secret(user)}
        identity = {
            'methods': ['password'],
            'password': {'user': who | secret},
        }
        body = {'auth': {'identity': identity, 'scope': scope}}
        _, headers = self._ask('POST', 'keystone', '/auth/tokens', body)
        self._token = headers['X-Subject-Token']

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: Json = None,
        raw: bytes | None = None,
    ) -> Json:
        """Return the answer; CloudError for any but a good one."""
        return self._ask(method, service, path, body, raw)[0]

    def _ask(
        self,
        method: str,
        service: str,
        path: str,
        body: Json = None,
        raw: bytes | None = None,
    ) -> tuple[Json, Any]:
        data = raw if body is None else json.dumps(body).encode()
        kind = 'octet-stream' if raw is not None else 'json'
        asked = urllib.request.Request(
            self.where.url(service) + path,
            data=data,
            method=method,
            headers={
                'X-Auth-Token': self._token,
                'Content-Type': f'application/{kind}',
                'OpenStack-API-Version': 'compute 2.90',
            },
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(asked, timeout=60) as answer:
                text = answer.read()
                return json.loads(text) if text else None, answer.headers
        except urllib.error.HTTPError as why:
            words = why.read().decode(errors='replace')[:500]
            raise place.CloudError(
                f'{method} {path}: {why.code} {words}'
            ) from None

    def ensure(self, kind: str, name: str, **fields: Json) -> str:
        """Return the id of what Keystone has by that name, made if need be."""
        found = self.call('GET', 'keystone', f'/{kind}s?name={name}')
        for one in found[f'{kind}s']:
            return str(one['id'])
        body = {kind: {'name': name, **fields}}
        made = self.call('POST', 'keystone', f'/{kind}s', body)
        return str(made[kind]['id'])


def identities(where: place.Place) -> None:
    """Make projects, users, their roles, and the catalog."""
    api = Api(where)
    roles = {
        name: api.ensure('role', name)
        for name in (
            'admin',
            'service',
            'member',
            'reader',
            READER_ROLE,
            MARKER_ROLE,
            MOVER_ROLE,
        )
    }

    def user(name: str, project: str, *granted: str) -> None:
        owner = api.ensure('project', project, domain_id='default')
        known = api.ensure(
            'user', name, domain_id='default', password=where.secret(name)
        )
        for role in granted:
            path = f'/projects/{owner}/users/{known}/roles/{roles[role]}'
            api.call('PUT', 'keystone', path)

    for name in ('nova', 'placement', 'glance'):
        user(name, 'service', 'admin', 'service')
    user(READER, 'service', READER_ROLE)
    user(MARKER, 'service', READER_ROLE, MARKER_ROLE)
    # Nova fetches images for a destination with the rights of who asks.
    user(MOVER, 'service', READER_ROLE, MOVER_ROLE, 'member')
    for name in TENANTS:
        user(name, name, 'member', 'reader')
    for name, kind in TYPES.items():
        known = api.ensure('service', name, type=kind)
        path = f'/endpoints?service_id={known}'
        told = api.call('GET', 'keystone', path)['endpoints']
        for interface in {'public', 'internal'} - {
            one['interface'] for one in told
        }:
            endpoint = {
                'service_id': known,
                'interface': interface,
                'region_id': place.REGION,
                'url': where.url(name),
            }
            body = {'endpoint': endpoint}
            api.call('POST', 'keystone', '/endpoints', body)


def catalogue(where: place.Place) -> None:
    """Make flavors and images."""
    api = Api(where)
    have = api.call('GET', 'nova', '/flavors?limit=1000')['flavors']
    for name, (memory, vcpus, specs) in FLAVORS.items():
        if name in {one['name'] for one in have}:
            continue
        flavor = {'name': name, 'ram': memory, 'vcpus': vcpus, 'disk': 1}
        made = api.call('POST', 'nova', '/flavors', {'flavor': flavor})
        if specs:
            path = f'/flavors/{made["flavor"]["id"]}/os-extra_specs'
            api.call('POST', 'nova', path, {'extra_specs': specs})
    if api.call('GET', 'glance', '/v2/images?name=idle')['images']:
        return
    guest = where.home / 'guest'
    kernel = _image(api, 'kernel', 'aki', guest / 'kernel')
    ramdisk = _image(api, 'initramfs', 'ari', guest / 'initramfs')
    for name, words in IMAGES.items():
        _image(
            api,
            name,
            'raw',
            guest / 'disk',
            kernel_id=kernel,
            ramdisk_id=ramdisk,
            os_command_line=f'{_BOOT} {words}',
        )


def _image(
    api: Api, name: str, kind: str, path: pathlib.Path, **more: str
) -> str:
    body = {
        'name': name,
        'visibility': 'public',
        'disk_format': kind,
        'container_format': 'bare' if kind == 'raw' else kind,
        **more,
    }
    made = api.call('POST', 'glance', '/v2/images', body)
    upload = f'/v2/images/{made["id"]}/file'
    api.call('PUT', 'glance', upload, raw=path.read_bytes())
    return str(made['id'])
