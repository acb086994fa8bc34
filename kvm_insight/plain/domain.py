# SPDX-License-Identifier: Apache-2.0
"""Domain: one instance of a cluster, by what its host told."""

import collections
from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from kvm_insight.model import cluster, cpulist, host_config
from kvm_insight.plain import places, settings

State = Literal['active', 'paused', 'stopped', 'other']
CpuMode = Literal['host-passthrough', 'custom']

_MIB = 1024**2
_STATES: dict[str, State] = {
    'running': 'active',
    'blocked': 'active',
    'paused': 'paused',
}
_LONGEST = 1024


class View:
    """What is looked up for each domain."""

    def __init__(
        self,
        configs: Mapping[str, host_config.HostConfig],
        fresh: Collection[str],
        found: Mapping[str, places.Place],
        rules: settings.Settings,
    ) -> None:
        """Take what all hosts told."""
        self.fresh = fresh
        self.rules = rules
        self._built = {
            (name, one.uuid): one
            for name, config in configs.items()
            for one in config.domains
        }
        #: Project's id -> name, as far as metadata or a mapping has one.
        self.projects: dict[str, str] = {}
        #: CPU list -> the CPUs, of all lists that a domain names.
        self.cpusets: dict[str, frozenset[int]] = {}
        #: Name -> UUIDs, of names that several domains have.
        self.namesakes: dict[str, set[str]] = {}
        #: Host -> names of its domains; each is there but once.
        self.names: dict[str, set[str]] = collections.defaultdict(set)
        self._name(found)
        for where in found.values():
            one = self.built(where)
            if one is not None:
                self._note(one)

    def built(self, where: places.Place) -> host_config.Domain | None:
        """Return how a domain is built, by the host where it is."""
        return self._built.get((where.host, where.seen.uuid))

    def _name(self, found: Mapping[str, places.Place]) -> None:
        called: dict[str, set[str]] = collections.defaultdict(set)
        for uuid, where in found.items():
            name = where.seen.name
            if name is not None:
                called[name].add(uuid)
                for host in where.hosts:
                    self.names[host].add(name)
        self.namesakes = {x: y for x, y in called.items() if len(y) > 1}

    def _note(self, one: host_config.Domain) -> None:
        project = one.identity
        if project.project_name is not None:
            self.projects[project.project_id] = project.project_name
        if one.cpus is not None:
            self.cpusets[one.cpus] = cpulist.parse(one.cpus)


def instance(where: places.Place, view: View) -> cluster.Instance:
    """Return the instance."""
    seen, built = where.seen, view.built(where)
    memory_bytes = (built and built.memory_bytes) or seen.memory_bytes
    vcpus = (built and built.vcpus) or seen.vcpus
    resources = {'VCPU': vcpus}
    if memory_bytes:
        resources['MEMORY_MB'] = -(-memory_bytes // _MIB)
    reasons = list(_reasons(where, built, view))
    if not memory_bytes:
        reasons.append('how much memory it has is not known')
    identity = built.identity if built is not None else None
    return cluster.Instance(
        uuid=seen.uuid,
        host=where.host,
        name=(identity and identity.instance_name) or seen.name,
        project_id=(
            identity.project_id
            if identity is not None
            else seen.project_id or 'unassigned'
        ),
        resources=resources,
        state=_STATES.get(seen.state, 'other'),
        task=_task(where),
        immobile='; '.join(reasons)[:_LONGEST] or None,
        cpu_mode=_cpu_mode(built, view.rules),
        needs=_needs(where, built, view),
        memory_bytes=memory_bytes or 0,
    )


def cpus(words: str) -> str:
    """Return the words for CPUs that a host must have."""
    return f'CPUs {words}'


def name(words: str) -> str:
    """Return the words for a name that no domain of a host may have."""
    return f'the name {words} free'


def _task(where: places.Place) -> str | None:
    if len(where.hosts) > 1:
        return f'it is on {" and ".join(sorted(where.hosts))}'[:_LONGEST]
    return where.seen.busy_with


def _reasons(
    where: places.Place, built: host_config.Domain | None, view: View
) -> Iterator[str]:
    """Yield why it stays where it is."""
    if where.host not in view.fresh:
        yield f'its host {where.host} is silent'
    if built is None:
        yield (
            f'{where.host} has not told how it is built ([agent] tell_config)'
        )
        return
    if built.identity.source == 'nova':
        yield 'Nova manages it'
    yield from built.obstacles
    for one in built.storage:
        if one.shared is None and not _is_shared(one.source, view.rules):
            yield f'{one.name} ({one.source}) is on its host alone'


def _is_shared(source: str, rules: settings.Settings) -> bool:
    return any(
        source == begin
        or (source.startswith(begin) and begin[-1] in '/:')
        or source.startswith(f'{begin}/')
        for begin in rules.shared_storage
        if begin
    )


def _needs(
    where: places.Place, built: host_config.Domain | None, view: View
) -> list[str]:
    if built is None:
        return []
    found = {*built.needs}
    if where.seen.name in view.namesakes:
        found.add(name(where.seen.name))
    found |= {one.shared for one in built.storage if one.shared is not None}
    if built.cpus is not None:
        found.add(cpus(built.cpus))
    return sorted(found)


def _cpu_mode(
    built: host_config.Domain | None, rules: settings.Settings
) -> CpuMode | None:
    """Return how its CPU is to be judged: which features a named model has
    nobody tells, so without the operator's word only the same CPU will do."""
    if built is None or built.cpu_mode is None:
        return None
    if rules.equal_cpus or built.cpu_mode in ('host-passthrough', 'maximum'):
        return 'host-passthrough'
    return 'custom'
