# SPDX-License-Identifier: Apache-2.0
"""Disks of a domain: how its reads and writes get to the host."""

from kvm_insight.advise import check

_EMULATED = ('ide', 'sata', 'fdc', 'usb')


def _is_virtio(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    if 'xml' in domain.unknown:
        return check.unreadable(domain)
    disks = [one for one in domain.disks if one.device == 'disk']
    if not disks:
        return check.NotConcerned('it has no disk')
    unknown = [one.name for one in disks if one.bus is None]
    if unknown:
        return check.CannotTell(f'disk {unknown[0]}: target has no bus')
    evidence = tuple(
        (f"devices/disk[target/@dev='{one.name}']/target/@bus", str(one.bus))
        for one in disks
    )
    emulated = [one.name for one in disks if one.bus in _EMULATED]
    if not emulated:
        return check.Good(evidence)
    return check.Bad(evidence, f'{", ".join(emulated)} is emulated hardware')


CHECKS = (
    check.Check(
        id='disk.emulated',
        subject='disk',
        about='domain',
        severity='high',
        title='A disk is emulated IDE, SATA or USB',
        reason='Each request leaves the guest several times and is handled by'
        " QEMU's main thread, one at a time for IDE.",
        libvirt="Give the disk <target bus='virtio'/> (or 'scsi' on a"
        ' controller of model virtio-scsi) with the domain shut down, after'
        ' the guest has the driver (virtio_blk, on Windows viostor).',
        nova='Image property hw_disk_bus=virtio (or scsi with'
        ' hw_scsi_model=virtio-scsi), then rebuild, or a new instance.',
        source='https://libvirt.org/formatdomain.html',
        unless='the guest has no virtio driver, as a system that is installed'
        ' from old media.',
        look=_is_virtio,
    ),
)
