# SPDX-License-Identifier: Apache-2.0
"""Claims moves in a real Placement, step by step, as Nova does.

Placement runs in this process on its own fixture (the PyPI package
``openstack-placement``) with SQLite. For each move the migration takes over
what the instance holds on the source, the instance asks for allocation
candidates with its resources, traits and aggregates, claims the destination
among them, and gives the source back when it has moved.
"""

import random
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from placement.tests.functional.fixtures import placement as fixture

from moves import referee

Json = dict[str, Any]
_SPACE = uuid.UUID('6f3d1c55-6c0e-4a39-8a5e-0a41b46d94a1')
_VERSION = 'placement 1.39'


def identity(*words: str) -> str:
    """Return the UUID of something that has only a name here."""
    return str(uuid.uuid5(_SPACE, '/'.join(words)))


class Refused(Exception):
    """Placement answered something that was not asked for."""


class Placement:
    """One Placement service in this process; a context manager."""

    def __init__(self) -> None:
        """Make the fixture; it starts with ``with``."""
        self._fixture = fixture.PlacementFixture()
        self._http = requests.Session()
        self._http.headers.update(
            {'x-auth-token': 'admin', 'OpenStack-API-Version': _VERSION}
        )

    def __enter__(self) -> 'Placement':
        """Start it with an empty database."""
        self._fixture.setUp()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self._http.close()
        self._fixture.cleanUp()

    @property
    def endpoint(self) -> str:
        """Return its address, which works inside this process only."""
        return str(self._fixture.endpoint)

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """Return the answer; raise Refused for any but a good one."""
        url = self._fixture.endpoint + path
        answer = self._http.request(method, url, json=body)
        if answer.status_code >= 300:
            words = f'{method} {path}: {answer.status_code} {answer.text}'
            raise Refused(words)
        return answer.json() if answer.content else None


class Cloud:
    """A cluster as Placement has it."""

    def __init__(self, service: Placement, cluster: Json) -> None:
        """Create providers, inventories, traits, aggregates, allocations."""
        self.service = service
        self.world = referee.World(cluster, {}, 'relieve')
        self.traits = {
            trait
            for host in cluster['hosts']
            for trait in host.get('traits', [])
            if trait.startswith('CUSTOM_')
        }
        for server in cluster.get('instances', []):
            self.traits |= {
                key[6:]
                for key, _ in self.world.properties(server)
                if key.startswith('trait:CUSTOM_')
            }
        for trait in sorted(self.traits):
            service.call('PUT', f'/traits/{trait}')
        for host in cluster['hosts']:
            self._provider(host)
        self._allocate()
        # Limits came later than some of the allocations.
        for host in cluster['hosts']:
            self._inventories(host, limited=True)

    def _provider(self, host: Json) -> None:
        call, me = self.service.call, host['provider']
        call('POST', '/resource_providers', {'name': host['name'], 'uuid': me})
        generation = self._inventories(host, limited=False)
        traits = list(host.get('traits', []))
        if not host.get('enabled', True):
            # nova-compute does this when its service is disabled.
            traits.append('COMPUTE_STATUS_DISABLED')
        body = {
            'resource_provider_generation': generation,
            'traits': sorted(set(traits)),
        }
        told = call('PUT', f'/resource_providers/{me}/traits', body)
        names = [
            identity('aggregate', name) for name in host.get('aggregates', [])
        ]
        zone = host.get('availability_zone')
        names += [identity('zone', zone)] if zone else []
        body = {
            'resource_provider_generation': told[
                'resource_provider_generation'
            ],
            'aggregates': sorted(set(names)),
        }
        call('PUT', f'/resource_providers/{me}/aggregates', body)

    def _inventories(self, host: Json, limited: bool) -> int:
        """Write what a host has; return the provider's generation."""
        path = f'/resource_providers/{host["provider"]}'
        old = self.service.call('GET', path)
        body = {
            'resource_provider_generation': old['generation'],
            'inventories': {
                kind: _inventory(one, limited)
                for kind, one in host.get('inventories', {}).items()
            },
        }
        told = self.service.call('PUT', f'{path}/inventories', body)
        return int(told['resource_provider_generation'])

    def _allocate(self) -> None:
        """Create what all consumers hold, those beyond our instances too."""
        consumers: Json = {}
        for name, holding in self.world.allocations.items():
            consumers[name] = self._body(holding, 'INSTANCE')
        for (host, kind), amount in self.world.others.items():
            if amount:
                consumers[identity('other', host, kind)] = self._body(
                    {host: {kind: amount}}, 'OTHER'
                )
        filled = {k: v for k, v in consumers.items() if v['allocations']}
        if filled:
            self.service.call('POST', '/allocations', filled)

    def _body(self, holding: Mapping[str, Json], kind: str) -> Json:
        return {
            'allocations': {
                self.world.hosts[name]['provider']: {'resources': resources}
                for name, resources in holding.items()
                if name in self.world.hosts and resources
            },
            'project_id': identity('project'),
            'user_id': identity('user'),
            'consumer_generation': None,
            'consumer_type': kind,
        }

    def begin(self, move: Json) -> None:
        """Claim one move as Nova's conductor and scheduler do."""
        call, me = self.service.call, move['instance']
        server = self.world.servers[me]
        held = call('GET', f'/allocations/{me}')
        taken = {
            name: {'resources': one['resources']}
            for name, one in held['allocations'].items()
        }
        owner = {'project_id': identity('project')}
        owner['user_id'] = identity('user')
        migration: Json = {
            'allocations': taken,
            'consumer_generation': None,
            'consumer_type': 'MIGRATION',
            **owner,
        }
        empty: Json = {
            'allocations': {},
            'consumer_generation': held['consumer_generation'],
            'consumer_type': 'INSTANCE',
            **owner,
        }
        body: Json = {identity('migration', me): migration, me: empty}
        call('POST', '/allocations', body)
        candidate = self._candidate(server, move['destination'])
        body = {
            'allocations': candidate,
            'consumer_generation': None,
            'consumer_type': 'INSTANCE',
            **owner,
        }
        call('PUT', f'/allocations/{me}', body)

    def end(self, move: Json) -> None:
        """Give the source back."""
        name = identity('migration', move['instance'])
        self.service.call('DELETE', f'/allocations/{name}')

    def _candidate(self, server: Json, destination: str) -> Json:
        query = '&'.join(self._query(server))
        told = self.service.call('GET', f'/allocation_candidates?{query}')
        wanted = self.world.hosts[destination]['provider']
        for one in told['allocation_requests']:
            if wanted in one['allocations']:
                return {
                    name: {'resources': part['resources']}
                    for name, part in one['allocations'].items()
                }
        count = len(told['allocation_requests'])
        raise Refused(f'{destination} is none of {count} candidates: {query}')

    def _query(self, server: Json) -> Iterator[str]:
        resources = server.get('resources', {}).items()
        yield 'resources=' + ','.join(f'{k}:{v}' for k, v in resources)
        required = self.world.required(server)
        forbidden = {'COMPUTE_STATUS_DISABLED'} | {
            key[6:]
            for key, value in self.world.properties(server)
            if key.startswith('trait:') and value == 'forbidden'
        }
        words = sorted(required) + [f'!{one}' for one in sorted(forbidden)]
        yield 'required=' + ','.join(words)
        zone = server.get('availability_zone')
        if zone is not None:
            yield f'member_of={identity("zone", zone)}'
        isolated = [
            identity('aggregate', name)
            for name, one in sorted(self.world.aggregates.items())
            if referee.closed([one.get('metadata', {})]) - required
        ]
        if isolated:
            yield 'member_of=!in:' + ','.join(isolated)
        yield 'limit=1000'


def _inventory(one: Json, limited: bool) -> Json:
    whole = {
        'total': one['total'],
        'reserved': one.get('reserved', 0),
        'allocation_ratio': one.get('allocation_ratio', 1.0),
    }
    if limited:
        whole['min_unit'] = one.get('min_unit', 1)
        whole['max_unit'] = one.get('max_unit', one['total'])
        whole['step_size'] = one.get('step_size', 1)
    return whole


def claim(
    service: Placement,
    cluster: Json,
    recommendations: list[Json],
    dice: random.Random,
) -> tuple[int, list[str]]:
    """Carry out recommendations beside each other, each move by move;
    return how many moves were claimed and what was refused."""
    cloud = Cloud(service, cluster)
    queues = [list(one['moves']) for one in recommendations]
    flying: list[Json | None] = [None] * len(queues)
    claimed, refused = 0, []
    while any(queues) or any(flying):
        at = dice.randrange(len(queues))
        running = flying[at]
        if running is not None:
            cloud.end(running)
            flying[at] = None
        elif queues[at]:
            move = queues[at].pop(0)
            try:
                cloud.begin(move)
            except Refused as why:
                refused.append(str(why))
                queues[at].clear()
                continue
            claimed += 1
            flying[at] = move
    return claimed, refused
