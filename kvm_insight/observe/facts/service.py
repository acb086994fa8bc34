# SPDX-License-Identifier: Apache-2.0
"""Services that tune the host, and what Nova and libvirt were told."""

import configparser
from collections.abc import Iterator

from kvm_insight import exception
from kvm_insight.observe import file
from kvm_insight.observe.facts import memory, reader

DAEMONS = (
    'irqbalance',
    'ksmd',
    'ksmtuned',
    'libvirtd',
    'nova-compute',
    'numad',
    'ovs-vswitchd',
    'tuned',
    'virtqemud',
)
#: The first that is there counts: DevStack's, Kolla's, everybody's.
_NOVA = (
    'etc/nova/nova-cpu.conf',
    'etc/kolla/nova-compute/nova.conf',
    'etc/nova/nova.conf',
)
#: These files hold passwords: nothing but these options leaves them.
NOVA_OPTIONS = (
    'DEFAULT.cpu_allocation_ratio',
    'DEFAULT.initial_cpu_allocation_ratio',
    'DEFAULT.initial_ram_allocation_ratio',
    'DEFAULT.ram_allocation_ratio',
    'DEFAULT.reserved_host_cpus',
    'DEFAULT.reserved_host_memory_mb',
    'compute.cpu_dedicated_set',
    'compute.cpu_shared_set',
    'libvirt.cpu_mode',
    'libvirt.cpu_models',
    'libvirt.disk_cachemodes',
    'libvirt.hw_disk_discard',
    'libvirt.hw_machine_type',
    'libvirt.mem_stats_period_seconds',
    'libvirt.rx_queue_size',
    'libvirt.tx_queue_size',
    'libvirt.virt_type',
)
QEMU_OPTIONS = ('group', 'sched_core', 'user')


def read(tree: reader.Reader, qemu_uid: int | None) -> None:
    """Take all that there is of services."""
    running = dict(_running(tree))
    tree.take('daemons', lambda: _daemons(tree, running))
    tree.take('ksm_cpu_us', lambda: _ksm_cpu_us(tree, running))
    tree.take('tuned_profile', lambda: tree.word('etc/tuned/active_profile'))
    tree.take('nova_options', lambda: _nova_options(tree))
    tree.take(
        'qemu_options',
        lambda: parse_qemu(tree.text('etc/libvirt/qemu.conf')),
    )
    tree.take('qemu_groups', lambda: _groups(tree, qemu_uid))


def parse_nova(text: str) -> dict[str, str]:
    """Return those options of a ``nova.conf`` that some check knows.

    CollectorError for what cannot be parsed, without a word from it.
    """
    parser = configparser.RawConfigParser(
        strict=False,
        # No section's name can be this, so DEFAULT is like the others.
        default_section='\0',
        comment_prefixes=('#', ';'),
        allow_no_value=True,
    )
    try:
        parser.read_string(text)
    except configparser.Error as why:
        kind = type(why).__name__
        raise exception.CollectorError(f'nova.conf: {kind}') from None
    found = {}
    for name in NOVA_OPTIONS:
        section, _, option = name.partition('.')
        value = parser.get(section, option, fallback=None)
        if value:
            found[name] = value[:1024]
    return found


def parse_qemu(text: str) -> dict[str, str]:
    """Return those options of a ``qemu.conf`` that some check knows."""
    found = {}
    for line in text.splitlines():
        name, equals, value = line.partition('=')
        if equals and name.strip() in QEMU_OPTIONS:
            found[name.strip()] = value.strip().strip('"')[:1024]
    return found


def _running(tree: reader.Reader) -> Iterator[tuple[str, str]]:
    """Yield name and pid of each daemon that some check knows."""
    try:
        pids = file.names(tree.root / 'proc')
    except exception.KvmInsightError:
        # What is asked of each of them then says why.
        return
    for pid in pids:
        if pid.isdecimal():
            name = tree.maybe(f'proc/{pid}/comm')
            if name in DAEMONS:
                yield str(name), pid


def _daemons(tree: reader.Reader, running: dict[str, str]) -> list[str]:
    if tree.maybe('proc/1/comm') is None:
        raise exception.NoData('no permission: /proc hides processes')
    return sorted(running)


def _ksm_cpu_us(tree: reader.Reader, running: dict[str, str]) -> int:
    if 'ksmd' not in running:
        raise exception.NoData('no thread ksmd runs')
    return memory.parse_ticks(tree.text(f'proc/{running["ksmd"]}/stat'))


def _nova_options(tree: reader.Reader) -> dict[str, str]:
    for path in _NOVA:
        if tree.has(path):
            return parse_nova(tree.text(path))
    raise exception.NoData(f'no such file: /{_NOVA[-1]}')


def _groups(tree: reader.Reader, uid: int | None) -> list[int]:
    if uid is None:
        raise exception.NoData("QEMU's user is not known")
    users = [line.split(':') for line in _lines(tree, 'etc/passwd')]
    names = {one[0] for one in users if len(one) > 3 and one[2] == str(uid)}
    own = {int(one[3]) for one in users if one[0] in names}
    for one in (line.split(':') for line in _lines(tree, 'etc/group')):
        if len(one) > 3 and names & set(one[3].split(',')):
            own.add(int(one[2]))
    return sorted(own)


def _lines(tree: reader.Reader, path: str) -> list[str]:
    return tree.text(path).splitlines()
