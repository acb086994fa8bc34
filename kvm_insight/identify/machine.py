# SPDX-License-Identifier: Apache-2.0
"""What a host offers to domains, in the words in which they need it."""

from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

from kvm_insight import exception
from kvm_insight.identify import text, tree
from kvm_insight.model import cluster


def cpu(capabilities: str) -> cluster.HostCpu | None:
    """Return the host's CPU from libvirt's capabilities; None if unknown."""
    found = _root(capabilities)
    one = None if found is None else found.find('host/cpu')
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


def offers(
    capabilities: str, networks: Iterable[str], devices: Iterable[str]
) -> list[str]:
    """Return what domains find here: machines, emulators, networks."""
    found = {network(name) for name in networks}
    found |= {device(name) for name in devices}
    root = _root(capabilities)
    if root is not None:
        found.update(_guests(root))
    return sorted(found)


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


def _root(capabilities: str) -> ElementTree.Element | None:
    try:
        return tree.parse(capabilities)
    except exception.CollectorError:
        return None
