# SPDX-License-Identifier: Apache-2.0
"""When a host tells how it and its domains are built, and what it tells."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.identify import build, machine, parsed
from kvm_insight.identify.facts import domain as domain_facts
from kvm_insight.identify.facts import steady
from kvm_insight.model import codec, facts, host_config, sample

EVERY_US = 3600 * 1_000_000
#: Records are bounded; a host with more is told in part, and safely so:
#: what is not offered is not used.
_MOST = 1024
#: A record is far smaller than brokers take by default (1 MB), whatever
#: domains there are: facts of those for whom it has no room are left out.
MOST_BYTES = 700_000
LEFT_OUT = 'left out: the record of this host would be too large'

#: In the class below a field of that name hides the module.
_HostFacts = facts.HostFacts

_NOT_YET = 'libvirt has not described it yet'
_UNKNOWN = build.Build(obstacles=(_NOT_YET,))
_NOBODY = facts.DomainFacts(
    uuid='00000000-0000-0000-0000-000000000000', name=''
)

#: Folder -> the words for the shared file system that is mounted there, None
#: for one of the host's own.
Mounts = Mapping[str, str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """What is known of the host itself."""

    capabilities: str
    hypervisor_version: int | None
    libvirt_version: int | None
    networks: Sequence[str]
    devices: Sequence[str]
    firmware: Sequence[str]
    #: Kind, source, folder, and whether other hosts may have it, too; what
    #: comes later lies above what came before.
    mounts: Sequence[tuple[str, str, str, bool]]
    #: How it is configured; None where nobody has read that.
    facts: _HostFacts | None = None


class Teller:
    """Follows one host; XML is parsed when it changed."""

    def __init__(self) -> None:
        """Know nothing; so the first look is told."""
        self._builds = parsed.Parsed(build.parse, _UNKNOWN)
        self._machines = parsed.Parsed(machine.parse, machine.Machine())
        self._facts = parsed.Parsed(_facts, _nameless(_NOT_YET))
        self._told: host_config.HostConfig | None = None

    def tell(
        self,
        seen: sample.Sample,
        host: Host,
        xml: Mapping[str, str | None],
        snapshots: Mapping[str, int],
    ) -> host_config.HostConfig | None:
        """Return what there is to tell; None while all is as it was.

        CollectorError for what no reader would take.
        """
        mounts = _mounts(host)
        found = self._machines.of(seen.host, host.capabilities)
        now = host_config.HostConfig(
            host=seen.host,
            time_us=seen.time_us,
            agent_id=seen.agent_id,
            cpus=seen.system.cpus,
            memory_bytes=seen.system.memory_bytes,
            cpu=found.cpu,
            hypervisor_version=host.hypervisor_version,
            libvirt_version=host.libvirt_version,
            offers=_offers(found, host, mounts),
            domains=sorted(
                self._domains(seen, mounts, xml, snapshots),
                key=lambda one: one.uuid,
            ),
            facts=host.facts,
        )
        if self._told is not None and not _differs(self._told, now):
            return None
        fitting = _fitting(now)
        try:
            codec.decode(codec.encode(fitting), host_config.HostConfig)
        except exception.CodecError as why:
            raise exception.CollectorError(
                f'how the host is built cannot be told: {why}'
            ) from why
        self._told = now
        return fitting

    def _domains(
        self,
        seen: sample.Sample,
        mounts: Mounts,
        xml: Mapping[str, str | None],
        snapshots: Mapping[str, int],
    ) -> Iterable[host_config.Domain]:
        for kept in (self._builds, self._facts):
            kept.keep([one.uuid for one in seen.domains])
        for one in seen.domains:
            found = self._builds.of(one.uuid, xml.get(one.uuid))
            obstacles = found.obstacles
            if snapshots.get(one.uuid):
                obstacles += ('it has snapshots',)
            yield host_config.Domain(
                uuid=one.uuid,
                name=one.name,
                identity=one.identity,
                vcpus=found.vcpus,
                memory_bytes=found.memory_bytes,
                cpu_mode=found.cpu_mode,
                cpus=found.cpus,
                storage=[build.shared(x, mounts) for x in found.storage],
                needs=list(found.needs),
                obstacles=list(obstacles),
                facts=self._facts_of(one, xml.get(one.uuid)),
            )

    def _facts_of(
        self, one: sample.Domain, xml: str | None
    ) -> facts.DomainFacts:
        """Return how a domain is configured, and where its memory lies."""
        found = self._facts.of(one.uuid, xml)
        lies = one.memory.numa_bytes if one.memory else None
        unknown = found.unknown
        if lies is None:
            unknown = {**unknown, 'node_bytes': 'not measured'}
        return msgspec.structs.replace(
            found,
            uuid=one.uuid,
            name=one.name,
            unknown=unknown,
            node_bytes=lies,
        )


def _mounts(host: Host) -> Mounts:
    return {
        folder: machine.mounted(kind, source, folder) if shared else None
        for kind, source, folder, shared in host.mounts
    }


def _offers(told: machine.Machine, host: Host, mounts: Mounts) -> list[str]:
    found = {
        *told.offers,
        *map(machine.network, host.networks),
        *map(machine.device, host.devices),
        *map(machine.firmware, host.firmware),
        *filter(None, mounts.values()),
    }
    return sorted({one[:1024] for one in found})[:_MOST]


def _differs(
    before: host_config.HostConfig, now: host_config.HostConfig
) -> bool:
    if not 0 <= now.time_us - before.time_us < EVERY_US:
        return True
    return _steady(now, before.time_us) != _steady(before, before.time_us)


def _steady(
    one: host_config.HostConfig, time_us: int
) -> host_config.HostConfig:
    """Return what of it somebody must have changed when it differs."""
    replaced = msgspec.structs.replace
    return replaced(
        one,
        time_us=time_us,
        facts=one.facts and steady.host(one.facts),
        domains=[
            replaced(each, facts=each.facts and steady.domain(each.facts))
            for each in one.domains
        ],
    )


def _facts(xml: str) -> facts.DomainFacts:
    return domain_facts.parse(_NOBODY.uuid, '', xml)


def _nameless(why: str) -> facts.DomainFacts:
    return msgspec.structs.replace(_NOBODY, unknown={'xml': why})


def _fitting(now: host_config.HostConfig) -> host_config.HostConfig:
    """Return it without the facts of domains for which there is no room:
    those of the first ones are kept, in the order of their UUIDs."""
    size = len(codec.encode(now))
    if size <= MOST_BYTES:
        return now
    without = _nameless(LEFT_OUT)
    domains = list(now.domains)
    for place in reversed(range(len(domains))):
        one = domains[place]
        less = msgspec.structs.replace(without, uuid=one.uuid, name=one.name)
        domains[place] = msgspec.structs.replace(one, facts=less)
        size -= len(msgspec.json.encode(one.facts))
        size += len(msgspec.json.encode(less))
        if size <= MOST_BYTES:
            break
    return msgspec.structs.replace(now, domains=domains)
