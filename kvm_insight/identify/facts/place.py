# SPDX-License-Identifier: Apache-2.0
"""Where a domain may run and lie: pins, shares, NUMA nodes, I/O threads."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from kvm_insight.identify import text
from kvm_insight.identify.facts import value
from kvm_insight.model import cpulist

_TUNING = (
    'shares',
    'period',
    'quota',
    'global_period',
    'global_quota',
    'emulator_period',
    'emulator_quota',
    'iothread_period',
    'iothread_quota',
)
_MOST = 1024


def parse(root: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    """Yield fields of the domain's facts with their values."""
    vcpu = root.find('vcpu')
    yield 'placement', value.attribute(vcpu, 'placement')
    yield 'cpuset', value.cpus(value.attribute(vcpu, 'cpuset'))
    yield 'iothreads', text.count(root.findtext('iothreads'))
    memory = root.find('numatune/memory')
    yield 'numa_mode', value.attribute(memory, 'mode')
    yield 'numa_nodes', value.cpus(value.attribute(memory, 'nodeset'))
    tune = root.find('cputune')
    if tune is None:
        return
    yield 'pins', dict(_pins(tune, 'vcpupin', 'vcpu'))
    yield 'iothread_pins', dict(_pins(tune, 'iothreadpin', 'iothread'))
    emulator = value.attribute(tune.find('emulatorpin'), 'cpuset')
    yield 'emulator_pin', value.cpus(emulator)
    counts = {name: text.count(tune.findtext(name)) for name in _TUNING}
    # -1 is no limit, and libvirt writes it out where it was set so.
    yield 'cpu_tuning', {k: v for k, v in counts.items() if v is not None}
    yield 'realtime_vcpus', _realtime(tune)


def _pins(
    tune: ElementTree.Element, tag: str, number: str
) -> Iterator[tuple[str, str]]:
    for one in tune.findall(tag)[:_MOST]:
        which = value.number(one, number)
        cpus = value.cpus(one.get('cpuset'))
        if which is not None and cpus is not None:
            yield str(which), cpus


def _realtime(tune: ElementTree.Element) -> str | None:
    found: set[int] = set()
    for one in tune.iterfind('vcpusched'):
        if one.get('scheduler') in ('fifo', 'rr'):
            found |= cpulist.parse(value.cpus(one.get('vcpus')) or '')
    return cpulist.render(found) if found else None
