# SPDX-License-Identifier: Apache-2.0
"""What a host offers to domains, in the words in which they need it."""

import dataclasses
from collections.abc import Iterator
from xml.etree import ElementTree

from kvm_insight import exception
from kvm_insight.identify import text, tree
from kvm_insight.model import cluster


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """A host by libvirt's capabilities; empty where there were none."""

    cpu: cluster.HostCpu | None = None
    #: Machine types, emulators and kinds of domains.
    offers: frozenset[str] = frozenset()


def parse(capabilities: str) -> Machine:
    """Return what they say; what is unreadable is an empty one, no error."""
    try:
        root = tree.parse(capabilities)
    except exception.CollectorError:
        return Machine()
    return Machine(_cpu(root), frozenset(_guests(root)))


def kind(name: str, architecture: str) -> str:
    """Return the words for a kind of domain."""
    return f'{name} for {architecture}'


def machine(name: str) -> str:
    """Return the words for a machine type."""
    return f'machine type {name}'


def emulator(path: str) -> str:
    """Return the words for an emulator."""
    return f'emulator {path}'


def network(name: str) -> str:
    """Return the words for one of libvirt's networks."""
    return f'network {name}'


def device(name: str) -> str:
    """Return the words for a bridge or another network device."""
    return f'network device {name}'


def firmware(path: str) -> str:
    """Return the words for what a guest boots from."""
    return f'firmware {path}'


def mounted(kind: str, source: str, folder: str) -> str:
    """Return the words for a file system that several hosts may have."""
    return f'{kind} {source} on {folder}'


def _cpu(root: ElementTree.Element) -> cluster.HostCpu | None:
    one = root.find('host/cpu')
    model = None if one is None else text.clean(one.findtext('model'))
    if one is None or model is None:
        return None
    return cluster.HostCpu(
        model=model,
        features=sorted(
            name
            for feature in one.iterfind('feature')
            for name in [text.clean(feature.get('name'))]
            if name is not None
        ),
        architecture=text.clean(one.findtext('arch')) or 'x86_64',
    )


def _guests(root: ElementTree.Element) -> Iterator[str]:
    """Yield what guests of the host's own architecture can be."""
    own = text.clean(root.findtext('host/cpu/arch'))
    for arch in root.iterfind('guest/arch'):
        name = arch.get('name')
        if name is None or name != own:
            continue
        for one in [arch, *arch.iterfind('domain')]:
            path = text.clean(one.findtext('emulator'))
            if path is not None:
                yield emulator(path)
            for each in one.iterfind('machine'):
                yield machine(each.get('canonical') or each.text or '')
        for one in arch.iterfind('domain'):
            yield kind(one.get('type', ''), name)
