# SPDX-License-Identifier: Apache-2.0
"""What a domain's XML says: owner, size, disks with their limits."""

import dataclasses
from collections.abc import Mapping
from xml.etree import ElementTree

from kvm_insight import exception
from kvm_insight.identify import nova, text, tree
from kvm_insight.model import sample

#: For plain libvirt hosts, as ``virsh metadata DOMAIN urn:kvm-insight:1
#: --key insight --set "<owner project='p' project-name='Payroll'/>"``.
OWN_NAMESPACE = 'urn:kvm-insight:1'
#: Nobody has said anything about the domain.
UNKNOWN = sample.Identity(status='missing')
_LIMITS = {
    'total_bytes_sec': 'total_bytes_s',
    'read_bytes_sec': 'read_bytes_s',
    'write_bytes_sec': 'write_bytes_s',
    'total_iops_sec': 'total_requests_s',
    'read_iops_sec': 'read_requests_s',
    'write_iops_sec': 'write_requests_s',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Description:
    """One domain as its XML has it; empty where there was none to read."""

    identity: sample.Identity = UNKNOWN
    vcpus_maximum: int | None = None
    iothreads: int | None = None
    #: Disk's name in the guest -> its file or device.
    paths: Mapping[str, str] = dataclasses.field(default_factory=dict)
    limits: Mapping[str, sample.DiskLimits] = dataclasses.field(
        default_factory=dict
    )


def parse(xml: str) -> Description:
    """Return the description; what is unreadable is ``broken``, no error."""
    try:
        root = tree.parse(xml)
    except exception.CollectorError:
        return Description(identity=sample.Identity(status='broken'))
    disks = _disks(root)
    return Description(
        identity=_identity(root.find('metadata')),
        vcpus_maximum=text.count(root.findtext('vcpu')),
        iothreads=text.count(root.findtext('iothreads')),
        paths={name: path for name, (path, _) in disks.items() if path},
        limits={name: cap for name, (_, cap) in disks.items() if cap},
    )


def _identity(metadata: ElementTree.Element | None) -> sample.Identity:
    found = nova.parse(metadata) or _own(metadata)
    if found is not None:
        return found
    foreign = metadata is not None and len(metadata) > 0
    return sample.Identity(status='foreign' if foreign else 'missing')


def _own(metadata: ElementTree.Element | None) -> sample.Identity | None:
    if metadata is None:
        return None
    owner = metadata.find(f'{{{OWN_NAMESPACE}}}owner')
    if owner is None:
        return None
    project = text.clean(owner.get('project'))
    return sample.Identity(
        source='metadata',
        status='ok' if project else 'partial',
        instance_name=text.clean(owner.get('name')),
        project_id=project or 'unassigned',
        project_name=text.clean(owner.get('project-name')),
    )


def _disks(
    root: ElementTree.Element,
) -> dict[str, tuple[str | None, sample.DiskLimits | None]]:
    disks = {}
    for disk in root.iterfind('devices/disk'):
        target = disk.find('target')
        name = None if target is None else text.clean(target.get('dev'))
        if name is not None:
            disks[name] = (_path(disk), _disk_limits(disk.find('iotune')))
    return disks


def _path(disk: ElementTree.Element) -> str | None:
    source = disk.find('source')
    for attribute in ('file', 'dev', 'name', 'dir', 'volume'):
        path = None if source is None else text.clean(source.get(attribute))
        if path is not None:
            return path
    return None


def _disk_limits(
    iotune: ElementTree.Element | None,
) -> sample.DiskLimits | None:
    if iotune is None:
        return None
    limits = {
        ours: text.count(iotune.findtext(theirs)) or None
        for theirs, ours in _LIMITS.items()
    }
    return sample.DiskLimits(**limits) if any(limits.values()) else None
