# SPDX-License-Identifier: Apache-2.0
"""What a lab guest is, and the libvirt XML that makes it."""

import dataclasses
import hashlib
import pathlib
import uuid

NOVA = 'http://openstack.org/xmlns/libvirt/nova/'
EMULATOR = '/usr/bin/qemu-system-x86_64'
METADATA = ('nova11', 'nova10', 'none', 'broken', 'foreign')


@dataclasses.dataclass(frozen=True, slots=True)
class Guest:
    """One guest: where it may run, what it does, whose it is."""

    name: str
    #: CPUs of the host that it may use, as ``0`` or ``0-1``.
    cpus: str
    #: ``SECONDS:DUTY,...``, repeated; duty in percent of one core.
    sched: str
    uuid: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    project: str | None = None
    project_name: str | None = None
    vcpus: int = 1
    max_vcpus: int | None = None
    #: So many loads side by side, for guests with several vCPUs.
    loops: int = 1
    #: Length of a duty cycle in centiseconds.
    period: int = 100
    memory_mib: int = 128
    #: Percent of a core that each vCPU may use (Nova's quota:cpu_quota).
    quota: int | None = None
    #: Percent of a core that the whole domain may use.
    global_quota: int | None = None
    #: CPU weight as libvirt's ``shares``.
    shares: int | None = None
    #: MiB of memory that it writes anew in each second.
    dirty: int = 0
    disk: bool = False
    net: bool = False
    metadata: str = 'nova11'
    virt: str = 'qemu'

    @property
    def project_id(self) -> str:
        """The project's id: given, or one of its own."""
        return self.project or _hex(f'project of {self.name}')


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a guest's files are, and under which cgroup it runs."""

    kernel: pathlib.Path
    initrd: pathlib.Path
    folder: pathlib.Path
    #: None where there are no cgroups to give (libvirt's session mode).
    partition: str | None

    def console(self, name: str) -> pathlib.Path:
        """What the guest printed."""
        return self.folder / f'{name}.log'

    def image(self, name: str) -> pathlib.Path:
        """The guest's disk."""
        return self.folder / f'{name}.img'


def xml(guest: Guest, place: Place) -> str:
    """Return the domain's XML."""
    console = place.console(guest.name)
    maximum = guest.max_vcpus or guest.vcpus
    model = (
        "<cpu mode='host-passthrough'/>"
        if guest.virt == 'kvm'
        else "<cpu mode='custom' match='exact'><model>qemu64</model></cpu>"
    )
    resource = (
        f'<resource><partition>/{place.partition}</partition></resource>'
        if place.partition
        else ''
    )
    return f"""<domain type='{guest.virt}'>
<name>{guest.name}</name><uuid>{guest.uuid}</uuid>
<memory unit='MiB'>{guest.memory_mib}</memory>
<vcpu cpuset='{guest.cpus}' current='{guest.vcpus}'>{maximum}</vcpu>
{_metadata(guest)}{resource}
<os><type arch='x86_64' machine='pc'>hvm</type>
<kernel>{place.kernel}</kernel><initrd>{place.initrd}</initrd>
<cmdline>{_command(guest)}</cmdline></os>
<features><acpi/></features>{model}
<cputune>{_cputune(guest)}</cputune>
<devices><emulator>{EMULATOR}</emulator>{_devices(guest, place)}
<serial type='file'><source path='{console}'/></serial>
<console type='file'><source path='{console}'/></console>
<memballoon model='virtio'><stats period='5'/></memballoon>
</devices></domain>
"""


def _command(guest: Guest) -> str:
    words = [
        f'console=ttyS0 quiet sched={guest.sched}',
        f'loops={guest.loops} period={guest.period}',
    ]
    if guest.disk:
        words.append('disk=vda')
    if guest.dirty:
        words.append(f'dirty={guest.dirty}')
    return ' '.join(words)


def _cputune(guest: Guest) -> str:
    words = []
    if guest.shares:
        words.append(f'<shares>{guest.shares}</shares>')
    for prefix, percent in (
        ('', guest.quota),
        ('global_', guest.global_quota),
    ):
        if percent:
            words.append(
                f'<{prefix}period>100000</{prefix}period>'
                f'<{prefix}quota>{percent * 1000}</{prefix}quota>'
            )
    words.append(f"<emulatorpin cpuset='{guest.cpus}'/>")
    return ''.join(words)


def _devices(guest: Guest, place: Place) -> str:
    words = ''
    if guest.disk:
        words += (
            "<disk type='file' device='disk'>"
            "<driver name='qemu' type='raw' cache='none'/>"
            f"<source file='{place.image(guest.name)}'/>"
            "<target dev='vda' bus='virtio'/></disk>"
        )
    if guest.net:
        words += "<interface type='user'><model type='virtio'/></interface>"
    return words


def _metadata(guest: Guest) -> str:
    if guest.metadata == 'none':
        return ''
    if guest.metadata == 'foreign':
        return (
            "<metadata><app:site xmlns:app='http://example.org/app'>"
            '<app:owner>someone</app:owner></app:site></metadata>'
        )
    namespace = NOVA + ('1.0' if guest.metadata == 'nova10' else '1.1')
    owner = (
        f'<nova:owner><nova:user uuid="{_hex("user of " + guest.name)}">'
        f'u-{guest.name}</nova:user><nova:project uuid="{guest.project_id}">'
        f'{guest.project_name or "p-" + guest.name}</nova:project>'
        '</nova:owner>'
    )
    if guest.metadata == 'broken':
        owner = ''
    return f"""<metadata><nova:instance xmlns:nova="{namespace}">
<nova:package version="32.0.0"/><nova:name>{guest.name}</nova:name>
<nova:creationTime>2026-11-01 00:00:00</nova:creationTime>
<nova:flavor name="m1.tiny"><nova:memory>{guest.memory_mib}</nova:memory>
<nova:disk>0</nova:disk><nova:swap>0</nova:swap>
<nova:ephemeral>0</nova:ephemeral><nova:vcpus>{guest.vcpus}</nova:vcpus>
</nova:flavor>{owner}</nova:instance></metadata>
"""


def _hex(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()[:32]
