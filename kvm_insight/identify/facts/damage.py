# SPDX-License-Identifier: Apache-2.0
"""What stands in a domain's XML and is not understood.

An element that is not there is no damage; one that is there, with a value
that means nothing, must not be taken for one that is not.
"""

import re
from collections.abc import Callable, Iterator
from xml.etree import ElementTree

from kvm_insight.identify import text
from kvm_insight.identify.facts import value

_LONGEST = 80
#: How many devices, pins and pages of a kind are looked at.
_MOST = 1024
#: A quota may be -1, which is no limit.
_SIGNED = re.compile(r'-?\d{1,18}')
_DEVICES = (
    'disks',
    'nics',
    'controllers',
    'rngs',
    'balloon',
    'guest_agent',
    'videos',
    'inputs',
)


def _is_number(word: str) -> bool:
    return text.count(word) is not None


def _is_cpus(word: str) -> bool:
    return value.cpus(word) is not None


def _is_signed(word: str) -> bool:
    return _SIGNED.fullmatch(word.strip()) is not None


#: Field, path, attribute (None: the text), what it must be.
_PLACES: tuple[tuple[str, str, str | None, Callable[[str], bool]], ...] = (
    ('vcpus', 'vcpu', None, _is_number),
    ('vcpus_current', 'vcpu', None, _is_number),
    ('vcpus_current', 'vcpu', 'current', _is_number),
    ('cpuset', 'vcpu', 'cpuset', _is_cpus),
    ('iothreads', 'iothreads', None, _is_number),
    ('memory_bytes', 'memory', None, _is_number),
    ('current_memory_bytes', 'currentMemory', None, _is_number),
    ('hugepages_kib', 'memoryBacking/hugepages/page', 'size', _is_number),
    ('topology', 'cpu/topology', 'sockets', _is_number),
    ('topology', 'cpu/topology', 'dies', _is_number),
    ('topology', 'cpu/topology', 'cores', _is_number),
    ('topology', 'cpu/topology', 'threads', _is_number),
    ('cells', 'cpu/numa/cell', 'memory', _is_number),
    ('cells', 'cpu/numa/cell', 'cpus', _is_cpus),
    ('numa_nodes', 'numatune/memory', 'nodeset', _is_cpus),
    ('pins', 'cputune/vcpupin', 'vcpu', _is_number),
    ('pins', 'cputune/vcpupin', 'cpuset', _is_cpus),
    ('emulator_pin', 'cputune/emulatorpin', 'cpuset', _is_cpus),
    ('iothread_pins', 'cputune/iothreadpin', 'cpuset', _is_cpus),
    ('cpu_tuning', 'cputune/period', None, _is_signed),
    ('cpu_tuning', 'cputune/quota', None, _is_signed),
    ('cpu_tuning', 'cputune/global_period', None, _is_signed),
    ('cpu_tuning', 'cputune/global_quota', None, _is_signed),
    ('disks', 'devices/disk/driver', 'queues', _is_number),
    ('disks', 'devices/disk/driver', 'iothread', _is_number),
    ('disks', 'devices/disk/iotune/*', None, _is_number),
    ('controllers', 'devices/controller/driver', 'queues', _is_number),
    ('controllers', 'devices/controller/driver', 'iothread', _is_number),
    ('nics', 'devices/interface/driver', 'queues', _is_number),
    (
        'balloon_period_s',
        'devices/memballoon/stats',
        'period',
        _is_number,
    ),
)


def find(root: ElementTree.Element) -> dict[str, str]:
    """Return field -> why it cannot be relied on."""
    found = dict(_words(root))
    if root.find('devices') is None:
        found |= dict.fromkeys(_DEVICES, 'it has no element devices')
    return found


def _words(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for field, path, attribute, is_understood in _PLACES:
        for one in root.findall(path)[:_MOST]:
            word = one.text if attribute is None else one.get(attribute)
            if attribute is None:
                word = word or ''
            if word is not None and not is_understood(word):
                where = path if attribute is None else f'{path}/@{attribute}'
                said = word.strip()[:_LONGEST]
                yield field, f'not understood: {where}: {said!r}'
    yield from _units(root)


def _units(root: ElementTree.Element) -> Iterator[tuple[str, str]]:
    for field, path in (
        ('memory_bytes', 'memory'),
        ('current_memory_bytes', 'currentMemory'),
    ):
        one = root.find(path)
        if one is None or not _is_number(one.text or ''):
            continue
        if value.size_of(one) is None:
            unit = (one.get('unit') or '')[:_LONGEST]
            yield field, f'not understood: {path}/@unit: {unit!r}'
