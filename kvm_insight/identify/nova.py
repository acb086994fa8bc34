# SPDX-License-Identifier: Apache-2.0
"""Whose domain: what Nova wrote into the domain's metadata.

Both namespaces that Nova ever used are read, and every version of their
content: 1.0 has no flavor id and no extra specs, 1.1 has them from 2025 on.
Whatever is not there or not readable shows in ``status``; nothing raises.
"""

from typing import Literal
from xml.etree import ElementTree

from kvm_insight.identify import text
from kvm_insight.model import sample

NAMESPACES = (
    'http://openstack.org/xmlns/libvirt/nova/1.1',
    'http://openstack.org/xmlns/libvirt/nova/1.0',
)
MIB = 1024**2
GIB = 1024**3
_MOST_SPECS = 64


def parse(metadata: ElementTree.Element | None) -> sample.Identity | None:
    """Return what Nova says of the owner; None where Nova says nothing."""
    if metadata is None:
        return None
    for namespace in NAMESPACES:
        found = metadata.find(f'{{{namespace}}}instance')
        if found is not None:
            return _instance(_Reader(found, namespace))
    return None


class _Reader:
    """Looks below one element in Nova's namespace; notes broken values."""

    def __init__(self, element: ElementTree.Element, namespace: str) -> None:
        self.element = element
        self.namespace = namespace
        self.broken = False

    def find(self, *names: str) -> ElementTree.Element | None:
        path = '/'.join(f'{{{self.namespace}}}{name}' for name in names)
        return self.element.find(path)

    def text(self, *names: str) -> str | None:
        found = self.find(*names)
        return None if found is None else text.clean(found.text)

    def attribute(self, name: str, *names: str) -> str | None:
        found = self.find(*names)
        return None if found is None else text.clean(found.get(name))

    def count(self, unit: int, *names: str) -> int | None:
        found = self.find(*names)
        if found is None:
            return None
        number = text.count(found.text, unit)
        self.broken = self.broken or number is None
        return number


def _instance(reader: _Reader) -> sample.Identity:
    project = reader.attribute('uuid', 'owner', 'project')
    flavor = _flavor(reader)
    name = reader.text('name')
    status: Literal['ok', 'partial', 'broken'] = 'ok'
    if reader.broken:
        status = 'broken'
    elif project is None or flavor is None or name is None:
        status = 'partial'
    return sample.Identity(
        source='nova',
        status=status,
        instance_name=name,
        project_id=project or 'unassigned',
        project_name=reader.text('owner', 'project'),
        user_id=reader.attribute('uuid', 'owner', 'user'),
        user_name=reader.text('owner', 'user'),
        flavor=flavor,
        image_id=_image(reader),
        created_at=reader.text('creationTime'),
        nova_version=reader.attribute('version', 'package'),
    )


def _flavor(reader: _Reader) -> sample.Flavor | None:
    if reader.find('flavor') is None:
        return None
    return sample.Flavor(
        name=reader.attribute('name', 'flavor'),
        flavor_id=reader.attribute('id', 'flavor'),
        vcpus=reader.count(1, 'flavor', 'vcpus'),
        memory_bytes=reader.count(MIB, 'flavor', 'memory'),
        disk_bytes=reader.count(GIB, 'flavor', 'disk'),
        extra_specs=_extra_specs(reader),
    )


def _extra_specs(reader: _Reader) -> dict[str, str]:
    parent = reader.find('flavor', 'extraSpecs')
    specs: dict[str, str] = {}
    for element in [] if parent is None else list(parent)[:_MOST_SPECS]:
        name = text.clean(element.get('name'))
        if name is not None:
            specs[name] = text.clean(element.text) or ''
    return specs


def _image(reader: _Reader) -> str | None:
    """Return the image's id: its own element is newer than ``root``."""
    image = reader.attribute('uuid', 'image')
    if image is None and reader.attribute('type', 'root') == 'image':
        image = reader.attribute('uuid', 'root')
    return image
