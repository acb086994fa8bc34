# SPDX-License-Identifier: Apache-2.0
"""Disks and network ports that have hardware behind them."""

from kvm_insight import exception
from kvm_insight.model import cpulist, part
from kvm_insight.observe import file
from kvm_insight.observe.facts import reader

#: Drives without a medium of their own say nothing of how I/O is done.
_NOT_DISKS = ('sr', 'fd', 'loop', 'ram', 'zram')


def read(tree: reader.Reader) -> None:
    """Take the disks and ports."""
    tree.take('disks', lambda: _disks(tree))
    tree.take('nics', lambda: _nics(tree))


def _disks(tree: reader.Reader) -> list[part.Disk]:
    return [
        _disk(tree, name)
        for name in tree.names('sys/block')
        if not name.startswith(_NOT_DISKS)
        and tree.has(f'sys/block/{name}/device')
    ]


def _disk(tree: reader.Reader, name: str) -> part.Disk:
    queue = f'sys/block/{name}/queue'
    text = tree.maybe(f'{queue}/scheduler') or ''
    rotational = tree.maybe(f'{queue}/rotational')
    return part.Disk(
        name=name,
        rotational=None if rotational is None else rotational == '1',
        scheduler=reader.chosen(text) if '[' in text else text or None,
        schedulers=text.replace('[', '').replace(']', '').split(),
        requests=tree.maybe_number(f'{queue}/nr_requests'),
        write_cache=tree.maybe(f'{queue}/write_cache'),
    )


def _nics(tree: reader.Reader) -> list[part.Nic]:
    return [
        _nic(tree, name)
        for name in tree.names('sys/class/net')
        if tree.has(f'sys/class/net/{name}/device')
    ]


def _nic(tree: reader.Reader, name: str) -> part.Nic:
    folder = f'sys/class/net/{name}'
    state = tree.maybe(f'{folder}/operstate')
    event = tree.maybe(f'{folder}/device/uevent') or ''
    words = dict(line.partition('=')[::2] for line in event.splitlines())
    queues = file.names(tree.root / f'{folder}/queues')
    irqs = sorted(file.names(tree.root / f'{folder}/device/msi_irqs'))
    return part.Nic(
        name=name,
        driver=words.get('DRIVER'),
        is_up=None if state is None else state == 'up',
        speed_mbit_s=tree.maybe_number(f'{folder}/speed'),
        mtu_bytes=tree.maybe_number(f'{folder}/mtu'),
        rx_queues=sum(one.startswith('rx-') for one in queues) or None,
        tx_queues=sum(one.startswith('tx-') for one in queues) or None,
        # -1 where the machine has no nodes: not a number here.
        numa_node=tree.maybe_number(f'{folder}/device/numa_node'),
        irqs=len(irqs) or None,
        irq_cpus=_irq_cpus(tree, irqs),
    )


def _irq_cpus(tree: reader.Reader, irqs: list[str]) -> str | None:
    cpus: set[int] = set()
    for irq in irqs:
        folder = f'proc/irq/{irq}'
        text = tree.maybe(f'{folder}/effective_affinity_list')
        text = text or tree.maybe(f'{folder}/smp_affinity_list')
        try:
            cpus |= cpulist.parse(text or '')
        except ValueError as why:
            raise exception.CollectorError(f'/{folder}: {why}') from why
    return cpulist.render(cpus) if cpus else None
