# SPDX-License-Identifier: Apache-2.0
"""What a domain's XML says of how it is configured."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import msgspec

from kvm_insight import exception
from kvm_insight.identify import nova, text, tree
from kvm_insight.identify.facts import damage, device, place, value
from kvm_insight.model import facts, part

_OWN_WORDS = '{http://libvirt.org/schemas/domain/qemu/1.0}commandline'
_SYSTEM = './/{http://libosinfo.org/xmlns/libvirt/domain/1.0}os'
_MOST = 256


def parse(uuid: str, name: str, xml: str) -> facts.DomainFacts:
    """Return how a domain is configured; nothing raises.

    Of XML that cannot be read, ``unknown`` says so as ``xml``.
    """
    try:
        root = tree.parse(xml)
        found = dict(_whole(root))
        return msgspec.convert(
            msgspec.to_builtins({**found, 'uuid': uuid, 'name': name}),
            facts.DomainFacts,
        )
    except (exception.CollectorError, msgspec.ValidationError) as why:
        reason = f'not understood: {why}'[:1024]
        return facts.DomainFacts(
            uuid=uuid, name=name[:1024], unknown={'xml': reason}
        )


def parse_alone(xml: str) -> facts.DomainFacts | None:
    """Return the same by the name and UUID that stand in it; None where it
    has none."""
    try:
        root = tree.parse(xml)
    except exception.CollectorError:
        return None
    uuid = text.clean(root.findtext('uuid'))
    name = text.clean(root.findtext('name'))
    if uuid is None or name is None:
        return None
    return parse(uuid, name, xml)


def _whole(root: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    yield 'unknown', damage.find(root)
    yield 'kind', value.attribute(root, 'type')
    kind = root.find('os/type')
    yield 'architecture', value.attribute(kind, 'arch')
    yield 'machine', value.attribute(kind, 'machine')
    yield 'firmware', _firmware(root)
    yield 'has_own_words', root.find(_OWN_WORDS) is not None
    security = root.find('launchSecurity')
    yield 'security', value.attribute(security, 'type')
    yield from _metadata(root.find('metadata'))
    yield from _cpu(root)
    yield from _memory(root)
    yield from _features(root)
    yield from place.parse(root)
    yield from device.parse(root)


def _firmware(root: ElementTree.Element) -> str | None:
    """Return the loader's path, or how libvirt chose one."""
    chosen = value.attribute(root.find('os'), 'firmware')
    return text.clean(root.findtext('os/loader')) or chosen


def _metadata(
    metadata: ElementTree.Element | None,
) -> Iterator[tuple[str, Any]]:
    if metadata is None:
        return
    system = metadata.find(_SYSTEM)
    yield 'system', value.attribute(system, 'id')
    found = nova.parse(metadata)
    if found is not None and found.flavor is not None:
        yield 'extra_specs', found.flavor.extra_specs
    yield 'image_properties', _image_properties(metadata)


def _image_properties(metadata: ElementTree.Element) -> dict[str, str] | None:
    for namespace in nova.NAMESPACES:
        path = f'.//{{{namespace}}}image/{{{namespace}}}properties'
        parent = metadata.find(path)
        if parent is not None:
            return {
                name: text.clean(one.text)
                or text.clean(one.get('value'))
                or ''
                for one in list(parent)[:_MOST]
                for name in [text.clean(one.get('name'))]
                if name is not None
            }
    return None


def _cpu(root: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    vcpu = root.find('vcpu')
    vcpus = text.count(None if vcpu is None else vcpu.text)
    yield 'vcpus', vcpus
    yield 'vcpus_current', value.number(vcpu, 'current') or vcpus
    cpu = root.find('cpu')
    if cpu is None:
        return
    for name in ('mode', 'match', 'check', 'migratable'):
        yield f'cpu_{name}', value.attribute(cpu, name)
    yield 'cpu_model', text.clean(cpu.findtext('model'))
    yield 'cpu_cache', value.attribute(cpu.find('cache'), 'mode')
    yield (
        'cpu_features',
        {
            name: value.attribute(one, 'policy') or ''
            for one in cpu.findall('feature')[:_MOST]
            for name in [value.attribute(one, 'name')]
            if name is not None
        },
    )
    topology = cpu.find('topology')
    if topology is not None:
        yield 'topology', value.numbers(topology)
    yield 'cells', list(_cells(cpu))


def _cells(cpu: ElementTree.Element) -> Iterator[part.Cell]:
    for number, cell in enumerate(cpu.findall('numa/cell')[:_MOST]):
        size = cell.get('memory')
        yield part.Cell(
            number=value.number(cell, 'id') or number,
            cpus=value.cpus(cell.get('cpus')),
            memory_bytes=value.size(size, cell.get('unit', 'KiB')),
        )


def _memory(root: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    for field, name in (
        ('memory_bytes', 'memory'),
        ('current_memory_bytes', 'currentMemory'),
    ):
        yield field, value.size_of(root.find(name))
    backing = root.find('memoryBacking')
    if backing is None:
        return
    yield 'memory_locked', backing.find('locked') is not None
    yield 'memory_access', value.attribute(backing.find('access'), 'mode')
    yield 'memory_source', value.attribute(backing.find('source'), 'type')
    pages = backing.find('hugepages')
    if pages is not None:
        sizes = [
            value.size(one.get('size'), one.get('unit', 'KiB'))
            for one in pages.iterfind('page')
        ]
        yield 'hugepages_kib', [size // 1024 for size in sizes if size] or [0]


def _features(root: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    features = root.find('features')
    if features is not None:
        yield 'features', value.states(features)
    hyperv = root.find('features/hyperv')
    if hyperv is not None:
        yield 'hyperv', value.states(hyperv)
    clock = root.find('clock')
    yield 'clock', value.attribute(clock, 'offset')
    timers = [] if clock is None else clock.findall('timer')[:_MOST]
    yield (
        'timers',
        [
            part.Timer(
                name=value.attribute(one, 'name') or '',
                present=value.attribute(one, 'present'),
                tickpolicy=value.attribute(one, 'tickpolicy'),
            )
            for one in timers
        ],
    )
