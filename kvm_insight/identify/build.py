# SPDX-License-Identifier: Apache-2.0
"""How a domain is built: what its XML wants of a host, and what ties it down.

For a live migration by libvirt. What is not known here is an obstacle: a
device that nobody has thought of must not make a move fail.
"""

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from kvm_insight import exception
from kvm_insight.identify import machine, text, tree
from kvm_insight.model import cpulist, host_config

#: Devices that go along, or are the same on each host.
_HARMLESS = frozenset(
    (
        'emulator',
        'disk',
        'interface',
        'serial',
        'console',
        'parallel',
        'channel',
        'controller',
        'graphics',
        'video',
        'audio',
        'sound',
        'input',
        'memballoon',
        'rng',
        'watchdog',
        'panic',
        'hub',
        'vsock',
        'redirdev',
        'redirfilter',
    )
)
_OBSTACLES = {
    'hostdev': 'it has a device of the host',
    'filesystem': 'it has a folder of the host',
    'tpm': 'it has a TPM, whose state is on its host',
    'shmem': 'it shares memory on its host',
    'memory': 'it has memory modules',
    'nvram': 'it has an NVRAM device',
}
#: Kinds of a character device that are the same on each host.
_LINES = frozenset(
    ('pty', 'unix', 'null', 'vc', 'spicevmc', 'spiceport', 'tcp', 'udp')
)
#: Where each host can listen.
_EVERYWHERE = ('', '0.0.0.0', '127.0.0.1', '::', '::1')  # noqa: S104
_MOST = 64
_KIB = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Build:
    """What one domain is made of."""

    vcpus: int | None = None
    memory_bytes: int | None = None
    cpu_mode: str | None = None
    cpus: str | None = None
    storage: tuple[host_config.Storage, ...] = ()
    needs: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()


def parse(xml: str) -> Build:
    """Return how a running domain is built."""
    try:
        root = tree.parse(xml)
    except exception.CollectorError:
        return Build(obstacles=('its XML cannot be read',))
    cpu = root.find('cpu')
    virtual = root.get('type') != 'qemu'
    memory_kib = _memory_kib(root)
    return Build(
        vcpus=text.count(root.findtext('vcpu')),
        memory_bytes=None if memory_kib is None else memory_kib * _KIB,
        # Without KVM the CPU is QEMU's own, whatever the host has.
        cpu_mode=None if cpu is None or not virtual else cpu.get('mode'),
        cpus=_cpus(root),
        storage=tuple(_storage(root))[:_MOST],
        needs=tuple(sorted(set(_needs(root))))[:_MOST],
        obstacles=tuple(dict.fromkeys(_obstacles(root)))[:_MOST],
    )


def _memory_kib(root: ElementTree.Element) -> int | None:
    """Return its memory; libvirt tells that of a running domain in KiB."""
    found = root.find('maxMemory')
    if found is None:
        found = root.find('memory')
    if found is None or found.get('unit', 'KiB') != 'KiB':
        return None
    return text.count(found.text)


def _cpus(root: ElementTree.Element) -> str | None:
    """Return the CPUs that it names; all of a list with negations."""
    sets = [root.find('vcpu'), *root.iterfind('cputune/*')]
    words = [one.get('cpuset') for one in sets if one is not None]
    named: set[int] = set()
    for word in filter(None, words):
        try:
            named |= set(cpulist.parse(word))
        except ValueError:
            # As ``^3``: it is an obstacle, see there.
            continue
    return cpulist.render(sorted(named)) if named else None


def _storage(root: ElementTree.Element) -> Iterator[host_config.Storage]:
    for name in ('kernel', 'initrd', 'dtb'):
        path = text.clean(root.findtext(f'os/{name}'))
        if path is not None:
            yield host_config.Storage(name=name, source=path)
    for disk in root.iterfind('devices/disk'):
        target = disk.find('target')
        name = 'disk' if target is None else target.get('dev') or 'disk'
        kinds = [(disk.get('type', ''), disk.find('source'))]
        kinds += [
            (one.get('type', ''), one.find('source'))
            for one in disk.iter('backingStore')
        ]
        for kind, source in kinds:
            words = None if source is None else _source(kind, source)
            if words is not None:
                yield host_config.Storage(name=name[:1024], source=words)
    for kind in ('serial', 'console', 'parallel', 'channel'):
        for one in root.iterfind(f"devices/{kind}[@type='file']/source"):
            path = text.clean(one.get('path'))
            if path is not None:
                yield host_config.Storage(name=kind, source=path)


def _source(kind: str, source: ElementTree.Element) -> str | None:
    """Return where a disk is; None for a drive with nothing in it."""
    if kind in ('file', 'block', 'dir'):
        names = ('file', 'dev', 'dir')
        words = (text.clean(source.get(x)) for x in names)
        return next(filter(None, words), None)
    parts = [source.get(x) for x in ('pool', 'name', 'volume', 'path')]
    where = '/'.join(filter(None, parts))
    return text.clean(f'{source.get("protocol", kind)}:{where}')


def _needs(root: ElementTree.Element) -> Iterator[str]:
    system = root.find('os/type')
    if system is not None:
        arch = system.get('arch', '')
        yield machine.kind(root.get('type', ''), arch)
        yield machine.machine(system.get('machine', ''))
    path = text.clean(root.findtext('devices/emulator'))
    if path is not None:
        yield machine.emulator(path)
    path = text.clean(root.findtext('os/loader'))
    if path is not None:
        yield machine.firmware(path)
    for one in root.iterfind('devices/interface'):
        source = one.find('source')
        if source is None:
            continue
        if source.get('network'):
            yield machine.network(source.get('network', ''))
        elif source.get('bridge'):
            yield machine.device(source.get('bridge', ''))
        elif source.get('dev'):
            yield machine.device(source.get('dev', ''))


def _obstacles(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iterfind('devices/*'):
        if element.tag in _OBSTACLES:
            yield _OBSTACLES[element.tag]
        elif element.tag not in _HARMLESS:
            yield f'it has a device of a kind that nobody knows: {element.tag}'
    yield from _pins(root)
    yield from _ties(root)
    yield from _connected(root)


def _connected(root: ElementTree.Element) -> Iterator[str]:
    """Yield what connects it to the host in a way that cannot be judged."""
    for one in root.iterfind('devices/interface'):
        kind = one.get('type', '')
        if kind not in ('bridge', 'network', 'direct', 'user'):
            yield f'it has a network interface of type {kind}'
    for one in root.iterfind('devices/disk'):
        if one.find('mirror') is not None:
            yield 'a job runs on one of its disks'
        if one.get('type') in ('nvme', 'vhostuser', 'vhostvdpa'):
            yield f'it has a disk of type {one.get("type")}'
    yield from _lines(root)


def _lines(root: ElementTree.Element) -> Iterator[str]:
    """Yield which consoles and channels end on the host itself."""
    for one in root.iterfind('devices/graphics/listen'):
        if one.get('address', '') not in _EVERYWHERE:
            yield 'its console listens at an address of its host'
    for name in ('serial', 'console', 'parallel', 'channel'):
        for one in root.iterfind(f'devices/{name}'):
            if one.get('type') not in (*_LINES, 'file'):
                yield f'it has a {name} of type {one.get("type")}'


def _pins(root: ElementTree.Element) -> Iterator[str]:
    """Yield what ties it to CPUs or memory of the host by their numbers."""
    whole = root.find('vcpu')
    named = None if whole is None else whole.get('cpuset')
    if any(
        one.get('cpuset') != named for one in root.iterfind('cputune/vcpupin')
    ):
        yield 'its vCPUs are pinned to CPUs by number'
    if whole is not None and whole.get('placement') == 'auto':
        yield 'its place was chosen by numad'
    if '^' in (named or ''):
        yield 'it names CPUs that it may not use'
    if root.find('numatune') is not None:
        yield 'its memory is bound to NUMA nodes by number'


def _ties(root: ElementTree.Element) -> Iterator[str]:
    """Yield what else keeps it where it is."""
    if root.find('memoryBacking/hugepages') is not None:
        yield 'it lies on huge pages, of which nobody tells how many are free'
    if root.find('launchSecurity') is not None:
        yield 'its memory is encrypted'
    cpu = root.find('cpu')
    if cpu is not None and cpu.get('migratable') == 'off':
        yield 'its CPU is not migratable'
    for one in root.iterfind("cpu/feature[@name='invtsc']"):
        if one.get('policy') == 'require':
            yield 'its CPU has an invariant clock (invtsc)'
    for one in root.findall('devices/input'):
        if one.get('type') in ('passthrough', 'evdev'):
            yield 'it has an input device of the host'
    commands = '{http://libvirt.org/schemas/domain/qemu/1.0}commandline'
    if root.find(commands) is not None:
        yield "it has words of its own on QEMU's command line"


def shared(
    found: host_config.Storage, mounts: Mapping[str, str | None]
) -> host_config.Storage:
    """Return it with the words for the file system where it is; ``mounts``
    is folder -> words, None for a file system of the host's own."""
    path = pathlib.PurePosixPath(found.source)
    if not path.is_absolute():
        return found
    for folder in path.parents:
        if str(folder) in mounts:
            return host_config.Storage(
                name=found.name,
                source=found.source,
                shared=mounts[str(folder)],
            )
    return found
