# SPDX-License-Identifier: Apache-2.0
"""Referee: whether Placement and Nova would carry out what is recommended.

Written from their rules, on plain dictionaries as they are on the wire, and
without a line of the planner's code. Recommendations run beside each other in
any order, the moves of each one after the other; while a move runs, the
migration holds the source and the instance the destination.
"""

import collections
import itertools
import random
import re
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
SECOND = 1_000_000
REST_S = {'instance': 6 * 3600, 'receiver': 900, 'return': 24 * 3600}


class World:
    """The cluster while moves are carried out on it."""

    def __init__(self, cluster: Json, said: Json, mode: str) -> None:
        """Take the cluster as it is on the wire."""
        self.now = cluster['time_us']
        self.said, self.mode = said, mode
        self.hosts = {host['name']: host for host in cluster['hosts']}
        self.servers = {
            one['uuid']: one for one in cluster.get('instances', [])
        }
        self.groups = {g['id']: g for g in cluster.get('server_groups', [])}
        self.aggregates = {a['id']: a for a in cluster.get('aggregates', [])}
        self.migrations = cluster.get('migrations', [])
        #: Nova's ``instance.host``.
        self.where = {u: one['host'] for u, one in self.servers.items()}
        #: Consumer -> provider -> class -> amount.
        self.allocations: dict[str, dict[str, Json]] = {}
        for one in cluster.get('instances', []):
            holding = self.allocations.setdefault(one['uuid'], {})
            holding[one['host']] = one.get('resources', {})
        self.flying: dict[str, tuple[str, str]] = {}
        for moved in self.migrations:
            if moved.get('state', 'running') == 'running':
                ends = moved['source'], moved['destination']
                self.flying[moved['instance']] = ends
                server = self.servers.get(moved['instance'])
                for end in ends:
                    holding = self.allocations.setdefault(
                        moved['instance'], {}
                    )
                    if server is not None:
                        holding[end] = server.get('resources', {})
        self.others = self._others()
        self.free = {name: _Free(host) for name, host in self.hosts.items()}

    def _others(self) -> dict[tuple[str, str], int]:
        """Return what Placement counts beyond the instances we know."""
        found = {}
        for name, host in self.hosts.items():
            for kind, inventory in host.get('inventories', {}).items():
                told = inventory.get('used') or 0
                found[name, kind] = max(0, told - self.used(name, kind))
        return found

    def used(self, host: str, kind: str) -> int:
        """Return what known consumers hold of one class on one host."""
        return sum(
            holding.get(host, {}).get(kind, 0)
            for holding in self.allocations.values()
        )

    def specs(self, server: Json) -> dict[str, str]:
        """Return the flavor's extra specs."""
        found: dict[str, str] = server.get('flavor', {}).get('extra_specs', {})
        return found

    def begin(self, move: Json, dice: random.Random) -> list[str]:
        """Let a migration begin; return what Nova or Placement refuses."""
        server = self.servers.get(move['instance'])
        dest = self.hosts.get(move['destination'])
        if server is None or dest is None:
            return ['no such instance or host']
        source_name = self.where[server['uuid']]
        if source_name != move['source'] or source_name == dest['name']:
            return [f'it is on {source_name}']
        source = self.hosts[source_name]
        wrong = [
            *self._api(server),
            *self._conductor(source, dest),
            *self._placement(server, dest),
            *self._scheduler(server, source, dest),
            *self._one_at_a_time(source_name, dest['name']),
            *self._our_word(server, source, dest),
        ]
        seated = self._has_numa(server) or server.get('pci')
        if seated and not self.free[dest['name']].take(server, dest, dice):
            wrong.append('NUMATopologyFilter or PciPassthroughFilter')
        holding = self.allocations[server['uuid']]
        holding[dest['name']] = server.get('resources', {})
        self.flying[server['uuid']] = (source_name, dest['name'])
        return wrong

    def end(self, move: Json) -> None:
        """Let it end: the source is given back."""
        server = self.servers[move['instance']]
        del self.allocations[server['uuid']][move['source']]
        del self.flying[server['uuid']]
        self.where[server['uuid']] = move['destination']
        self.free[move['source']].give_back(server)

    def _api(self, server: Json) -> Iterator[str]:
        if server.get('state', 'active') not in ('active', 'paused'):
            yield 'HTTP 409: not active or paused'
        if server.get('task'):
            yield 'HTTP 409: has a task'
        if not server.get('live_migratable', True):
            yield 'MigrationPreCheckError: cannot be live-migrated'
        if server['uuid'] in self.flying:
            yield 'HTTP 409: migrating already'

    def _conductor(self, source: Json, dest: Json) -> Iterator[str]:
        for host in (source, dest):
            if not host.get('up', True):
                yield f'ComputeServiceUnavailable: {host["name"]}'
        here = source.get('hypervisor_version')
        there = dest.get('hypervisor_version')
        if here is not None and there is not None and there < here:
            yield 'DestinationHypervisorTooOld'
        if source.get('nova_cell') != dest.get('nova_cell'):
            yield 'across cells'

    def _placement(self, server: Json, dest: Json) -> Iterator[str]:
        """GET /allocation_candidates and PUT /allocations, in effect."""
        inventories = dest.get('inventories', {})
        for kind, amount in server.get('resources', {}).items():
            if amount == 0:
                continue
            inventory = inventories.get(kind)
            if inventory is None:
                yield f'no inventory of {kind}'
                continue
            capacity = (
                inventory['total'] - inventory.get('reserved', 0)
            ) * inventory.get('allocation_ratio', 1.0)
            used = self.used(dest['name'], kind)
            used += self.others[dest['name'], kind]
            if used + amount > capacity:
                yield f'{kind}: {used} + {amount} > {capacity}'
            if amount < inventory.get('min_unit', 1):
                yield f'{kind}: below min_unit'
            most = inventory.get('max_unit', inventory['total'])
            if amount > most:
                yield f'{kind}: above max_unit'
            if amount % inventory.get('step_size', 1):
                yield f'{kind}: not in steps'
        yield from self._traits(server, dest)

    def _traits(self, server: Json, dest: Json) -> Iterator[str]:
        traits = set(dest.get('traits', []))
        required = self.required(server)
        if not required <= traits:
            yield f'required traits {required - traits}'
        unwanted = {'COMPUTE_STATUS_DISABLED'} & traits
        for key, value in self.properties(server):
            if key.startswith('trait:') and value == 'forbidden':
                unwanted |= {key[6:]} & traits
            if re.match(r'(resources|trait)[0-9A-Za-z_-]+:', key):
                yield f'granular request {key}'
        if unwanted:
            yield f'forbidden traits {unwanted}'

    def required(self, server: Json) -> set[str]:
        """Return the required traits of flavor and image."""
        return {
            key[6:]
            for key, value in self.properties(server)
            if key.startswith('trait:') and value == 'required'
        }

    def properties(self, server: Json) -> list[tuple[str, str]]:
        """Return extra specs and image properties."""
        image = server.get('image', {})
        return [*self.specs(server).items(), *image.items()]

    def _scheduler(
        self, server: Json, source: Json, dest: Json
    ) -> Iterator[str]:
        if not dest.get('enabled', True) or dest.get('maintenance', False):
            yield 'ComputeFilter'
        zone = server.get('availability_zone')
        if zone is not None and dest.get('availability_zone') != zone:
            yield 'AvailabilityZone'
        yield from self._aggregate_filters(server, dest)
        yield from self._group_filters(server, dest)
        yield from _cpu(server, source, dest)
        storage = server.get('storage')
        if storage is not None and storage not in dest.get('storage', []):
            yield 'InvalidSharedStorage'

    def _aggregate_filters(self, server: Json, dest: Json) -> Iterator[str]:
        rows = [
            self.aggregates[name].get('metadata', {})
            for name in dest.get('aggregates', [])
        ]
        values: dict[str, set[str]] = collections.defaultdict(set)
        for row in rows:
            for key, text in row.items():
                values[key].update(part.strip() for part in text.split(','))
        for key, demand in self.specs(server).items():
            name = key.removeprefix('aggregate_instance_extra_specs:')
            met = (_meets(value, demand) for value in values[name])
            if ':' not in name and not any(met):
                yield f'AggregateInstanceExtraSpecsFilter: {name}'
        owners = set().union(
            *(v for k, v in values.items() if k.startswith('filter_tenant_id'))
        )
        if owners and server.get('project_id', 'unassigned') not in owners:
            yield 'AggregateMultiTenancyIsolation'
        for key, value in server.get('image', {}).items():
            if value and value not in values.get(key, {value}):
                yield f'AggregateImagePropertiesIsolation: {key}'
        if closed(rows) - self.required(server):
            yield 'isolate_aggregates'

    def _group_filters(self, server: Json, dest: Json) -> Iterator[str]:
        group = self.groups.get(server.get('server_group', ''))
        if group is None:
            return
        there, anywhere = 0, set()
        for uuid, other in self.servers.items():
            if other.get('server_group') != group['id']:
                continue
            places = {self.where[uuid], *self.flying.get(uuid, ())}
            there += dest['name'] in places
            if uuid != server['uuid']:
                anywhere |= places
        if group['policy'] == 'anti-affinity':
            if there >= group.get('max_server_per_host', 1):
                yield f'ServerGroupAntiAffinityFilter: {there} there'
        elif group['policy'] == 'affinity' and dest['name'] not in anywhere:
            yield 'ServerGroupAffinityFilter'

    def _has_numa(self, server: Json) -> bool:
        keys = {
            key.replace('hw_', 'hw:') for key, _ in self.properties(server)
        }
        asked = {'hw:numa_nodes', 'hw:cpu_policy', 'hw:mem_page_size'} & keys
        return bool(asked or server.get('numa'))

    def _one_at_a_time(self, source: str, dest: str) -> Iterator[str]:
        if any(ends[0] == source for ends in self.flying.values()):
            yield f'a second migration out of {source}'
        if any(ends[1] == dest for ends in self.flying.values()):
            yield f'a second migration into {dest}'

    def _our_word(
        self, server: Json, source: Json, dest: Json
    ) -> Iterator[str]:
        """What we promise beyond what Nova asks."""
        specs = self.specs(server)
        forbidden = self.said.get('opted_out', [])
        if (
            server.get('opted_out')
            or server['uuid'] in forbidden
            or server.get('project_id') in forbidden
            or specs.get('kvm_insight:movable', '') == 'false'
        ):
            yield 'opted out'
        muted = self.said.get('muted', [])
        names = source['name'], dest['name']
        for name in (server['uuid'], *names):
            if name in muted:
                yield f'muted: {name}'
        for begin, end, hosts in self.said.get('blackouts', []):
            dark = hosts is None or not set(hosts).isdisjoint(names)
            if begin <= self.now < end and dark:
                yield 'in a blackout window'
        for host in (source, dest):
            load = host.get('load')
            if load is None or self.now - load['time_us'] > 900 * SECOND:
                yield f'nothing measured lately on {host["name"]}'
        yield from self._history(server, dest)
        verdict = server.get('load', {}).get('verdict')
        if verdict == 'unknown' and self.mode != 'evacuate':
            yield 'moved on unknown evidence'

    def _history(self, server: Json, dest: Json) -> Iterator[str]:
        for moved in self.migrations:
            if moved.get('state', 'running') == 'running':
                continue
            ended = moved.get('ended_us', moved.get('started_us', 0))
            ago_s = (self.now - ended) / SECOND
            done = moved['state'] == 'done'
            if moved['instance'] == server['uuid']:
                if self.mode != 'evacuate' and ago_s < REST_S['instance']:
                    yield 'moved again too soon'
                back = moved['source'] == dest['name'] and done
                if back and ago_s < REST_S['return']:
                    yield 'moved back'
            received = moved['destination'] == dest['name'] and done
            if received and ago_s < REST_S['receiver']:
                yield 'receiver has not rested'


class _Free:
    """NUMA cells and devices that are left on a host."""

    def __init__(self, host: Json) -> None:
        self.cells: dict[int, dict[Any, int]] = {
            cell['index']: {
                'cpus': cell.get('dedicated_free', 0),
                'shared': cell.get('shared', 0),
                'shared_used': cell.get('shared_used', 0),
                'small': cell.get('memory_free_bytes', 0),
                **{
                    page['size_kib']: page['free']
                    for page in cell.get('pages', [])
                },
            }
            for cell in host.get('numa', [])
        }
        self.pools = [dict(pool) for pool in host.get('pci', [])]

    def take(self, server: Json, dest: Json, dice: random.Random) -> bool:
        """Seat a server as any host might; False if none of its ways."""
        guests = server.get('numa', [])
        ratio = (
            dest.get('inventories', {})
            .get('VCPU', {})
            .get('allocation_ratio', 1.0)
        )
        ways = []
        for way in itertools.permutations(self.cells, len(guests)):
            pairs = list(zip(way, guests, strict=True))
            if all(self._fits(c, g, server, ratio) for c, g in pairs):
                pools = self._pools(server, way if guests else None)
                if pools is not None:
                    ways.append((pairs, pools))
        if not ways:
            return False
        pairs, pools = dice.choice(ways)
        for index, guest in pairs:
            self._charge(self.cells[index], guest, server, 1)
        for pool in pools:
            pool['free'] -= 1
        return True

    def give_back(self, server: Json) -> None:
        """Take the server's cells back when it has left."""
        for guest in server.get('numa', []):
            cell = self.cells.get(guest['host_cell'])
            if cell is not None:
                self._charge(cell, guest, server, -1)

    def _fits(
        self, index: int, guest: Json, server: Json, ratio: float
    ) -> bool:
        cell = self.cells[index]
        pinned, page = _pinning(server)
        if pinned and cell['cpus'] < guest['vcpus']:
            return False
        if not pinned:
            if guest['vcpus'] > cell['shared']:
                return False
            if cell['shared_used'] + guest['vcpus'] > cell['shared'] * ratio:
                return False
        if page is None:
            return bool(cell['small'] >= guest['memory_bytes'])
        if guest['memory_bytes'] % (page * 1024):
            return False
        return bool(cell.get(page, 0) * page * 1024 >= guest['memory_bytes'])

    def _charge(
        self, cell: dict[Any, int], guest: Json, server: Json, sign: int
    ) -> None:
        pinned, page = _pinning(server)
        if pinned:
            cell['cpus'] -= sign * guest['vcpus']
        else:
            cell['shared_used'] += sign * guest['vcpus']
        if page is None:
            cell['small'] -= sign * guest['memory_bytes']
        else:
            pages = guest['memory_bytes'] // (page * 1024)
            cell[page] = cell.get(page, 0) - sign * pages

    def _pools(
        self, server: Json, way: tuple[int, ...] | None
    ) -> list[Json] | None:
        left = {id(pool): pool.get('free', 0) for pool in self.pools}
        found = []
        for alias, count in server.get('pci', {}).items():
            for _ in range(count):
                for pool in self.pools:
                    near = pool.get('numa_cell')
                    if way is not None and near not in (None, *way):
                        continue
                    if alias in pool['aliases'] and left[id(pool)] > 0:
                        left[id(pool)] -= 1
                        found.append(pool)
                        break
                else:
                    return None
        return found


def _pinning(server: Json) -> tuple[bool, int | None]:
    specs = {
        **{
            key.replace('hw_', 'hw:', 1): value
            for key, value in server.get('image', {}).items()
        },
        **server.get('flavor', {}).get('extra_specs', {}),
    }
    page = specs.get('hw:mem_page_size', 'small')
    size = None if page in ('small', '4') else int(re.sub(r'\D', '', page))
    return specs.get('hw:cpu_policy') == 'dedicated', size


def _cpu(server: Json, source: Json, dest: Json) -> Iterator[str]:
    mode = server.get('cpu_mode')
    if mode in (None, 'none'):
        return
    here, there = source.get('cpu'), dest.get('cpu')
    if here is None or there is None:
        yield 'InvalidCPUInfo: not known'
        return
    if mode == 'host-passthrough' and (
        here['model'] != there['model']
        or sorted(here.get('features', []))
        != sorted(there.get('features', []))
    ):
        yield 'InvalidCPUInfo: another CPU'
    needed = server.get('cpu_features') or (
        [] if mode == 'custom' else here.get('features', [])
    )
    if any(one not in there.get('features', []) for one in needed):
        yield 'InvalidCPUInfo: lacks a feature'


def _meets(value: str, demand: str) -> bool:
    head, _, rest = demand.partition(' ')
    if head == '>=':
        return float(value) >= float(rest)
    if head == '<or>':
        return value in [word.strip() for word in demand.split('<or>')]
    if head == 's==':
        return value == rest
    return value == demand


def closed(rows: list[dict[str, str]]) -> set[str]:
    """Return the traits that aggregates with such metadata insist on."""
    return {
        key[6:]
        for row in rows
        for key, value in row.items()
        if key.startswith('trait:') and value == 'required'
    }


def judge(
    cluster: Json,
    recommendations: list[Json],
    said: Json,
    mode: str,
    dice: random.Random,
) -> tuple[int, list[str]]:
    """Carry everything out in a random order of what may overlap; return
    how many moves were begun and what was wrong with them."""
    world = World(cluster, said, mode)
    queues = [list(one['moves']) for one in recommendations]
    flying: list[Json | None] = [None] * len(queues)
    wrong: list[str] = []
    begun = 0
    while any(queues) or any(flying):
        at = dice.randrange(len(queues))
        running = flying[at]
        if running is not None:
            world.end(running)
            flying[at] = None
        elif queues[at]:
            move = queues[at].pop(0)
            begun += 1
            faults = world.begin(move, dice)
            wrong += [f'{move["instance"]}: {fault}' for fault in faults]
            flying[at] = move
    return begun, wrong + [*_promises(recommendations, mode)]


def _promises(recommendations: list[Json], mode: str) -> Iterator[str]:
    seen: set[str] = set()
    for one in recommendations:
        hosts = {m['source'] for m in one['moves']}
        hosts |= {m['destination'] for m in one['moves']}
        if hosts & seen:
            yield f'two recommendations touch {hosts & seen}'
        seen |= hosts
        names = [m['instance'] for m in one['moves']]
        if len(set(names)) < len(names):
            yield 'an instance is moved twice'
        if not one['moves'] or one['expires_us'] <= one['created_us']:
            yield 'a recommendation without moves or time'
        price = 1.3 * one['cost_core_s'] * (1 - 1e-9)
        gains = one['gain_core_s'], one['gain_p95_core_s']
        if mode in ('relieve', 'balance') and min(gains) < price:
            yield f'gains {gains} are not worth {price}'
        if one['validity'].get('verdict') != 'valid':
            yield 'is recommended though the planner calls it invalid'
