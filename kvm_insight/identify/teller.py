# SPDX-License-Identifier: Apache-2.0
"""When a host tells how it and its domains are built, and what it tells."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.identify import build, machine, parsed
from kvm_insight.model import codec, host_config, sample

EVERY_US = 3600 * 1_000_000
#: Records are bounded; a host with more is told in part, and safely so:
#: what is not offered is not used.
_MOST = 1024

_UNKNOWN = build.Build(obstacles=('libvirt has not described it yet',))

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


class Teller:
    """Follows one host; XML is parsed when it changed."""

    def __init__(self) -> None:
        """Know nothing; so the first look is told."""
        self._builds = parsed.Parsed(build.parse, _UNKNOWN)
        self._machines = parsed.Parsed(machine.parse, machine.Machine())
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
        )
        if self._told is not None and not _differs(self._told, now):
            return None
        try:
            codec.decode(codec.encode(now), host_config.HostConfig)
        except exception.CodecError as why:
            raise exception.CollectorError(
                f'how the host is built cannot be told: {why}'
            ) from why
        self._told = now
        return now

    def _domains(
        self,
        seen: sample.Sample,
        mounts: Mounts,
        xml: Mapping[str, str | None],
        snapshots: Mapping[str, int],
    ) -> Iterable[host_config.Domain]:
        self._builds.keep([one.uuid for one in seen.domains])
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
    return msgspec.structs.replace(now, time_us=before.time_us) != before
