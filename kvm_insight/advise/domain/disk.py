# SPDX-License-Identifier: Apache-2.0
"""Disks of a domain: how its reads and writes get to the host."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import machine, question
from kvm_insight.model import facts, part

_EMULATED = ('ide', 'sata', 'fdc', 'usb')
#: One queue serves as many vCPUs without much waiting; more want more.
_MANY_VCPUS = 4
#: Since then QEMU gives virtio disks as many queues as there are vCPUs.
_BY_ITSELF = (5, 2)


def _node(one: part.DomainDisk, what: str) -> str:
    return f"devices/disk[target/@dev='{one.name}']/{what}"


def _disks(domain: facts.DomainFacts) -> list[part.DomainDisk]:
    return [one for one in domain.disks if one.device == 'disk']


def _names(disks: list[part.DomainDisk]) -> str:
    return ', '.join(one.name for one in disks)


@question.reads('disks')
def _is_virtio(case: check.DomainCase) -> check.Outcome:
    disks = _disks(case.domain)
    if not disks:
        return check.NotConcerned('it has no disk')
    unknown = [one.name for one in disks if one.bus is None]
    if unknown:
        return check.CannotTell(f'disk {unknown[0]}: target has no bus')
    evidence = tuple(
        (_node(one, 'target/@bus'), str(one.bus)) for one in disks
    )
    emulated = [one for one in disks if one.bus in _EMULATED]
    if not emulated:
        return check.Good(evidence)
    return check.Bad(evidence, f'{_names(emulated)} is emulated hardware')


def _queues(domain: facts.DomainFacts) -> dict[str, int | None]:
    """Return what has queues of its own -> how many are asked for."""
    found = {
        _node(one, 'driver/@queues'): one.queues
        for one in _disks(domain)
        if one.bus == 'virtio'
    }
    if any(one.bus == 'scsi' for one in domain.disks):
        found |= {
            f"devices/controller[@type='scsi'][{number}]/driver/@queues": (
                one.queues
            )
            for number, one in enumerate(domain.controllers, 1)
            if one.kind == 'scsi' and (one.model or '').startswith('virtio')
        }
    return found


@question.reads('disks', 'controllers')
def _has_queues(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    found = _queues(domain)
    if not found:
        return check.NotConcerned('it has no disk by virtio')
    vcpus = domain.vcpus_current
    if vcpus is None:
        return check.CannotTell('vcpus: not in its XML')
    if vcpus < _MANY_VCPUS:
        return check.NotConcerned(f'{vcpus} vCPUs are served by one queue')
    evidence = (
        *((node, question.word(queues)) for node, queues in found.items()),
        ('os/type/@machine', question.word(domain.machine)),
    )
    what = f'{vcpus} vCPUs share one queue'
    if 1 in found.values():
        return check.Bad(evidence, what)
    if None not in found.values():
        return check.Good(evidence)
    version = machine.version(domain.machine)
    if version is None:
        return check.CannotTell(
            'how many queues it has by itself: no age is known of machine'
            f' type {question.word(domain.machine)}'
        )
    if version < _BY_ITSELF:
        return check.Bad(evidence, what)
    return check.Good(evidence)


@question.reads('disks')
def _discards(case: check.DomainCase) -> check.Outcome:
    disks = [
        one
        for one in _disks(case.domain)
        if one.bus != 'fdc' and not one.is_read_only
    ]
    if not disks:
        return check.NotConcerned('it has no disk that it may write')
    unknown = [one.name for one in disks if one.kind is None]
    if unknown:
        return check.CannotTell(f'disk {unknown[0]}: no @type')
    evidence = tuple(
        (_node(one, 'driver/@discard'), question.word(one.discard))
        for one in disks
    )
    deaf = [one for one in disks if one.discard != 'unmap']
    if not deaf:
        return check.Good(evidence)
    what = f'what the guest frees of {_names(deaf)} is not given back'
    return check.Bad(evidence, what)


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
        source=question.DOMAIN_FORMAT,
        unless='the guest has no virtio driver, as a system that is installed'
        ' from old media.',
        look=_is_virtio,
    ),
    check.Check(
        id='disk.one-queue',
        subject='disk',
        about='domain',
        severity='low',
        title='Many vCPUs share one queue of a disk',
        reason='All vCPUs take one lock in the guest, and one vCPU takes all'
        ' interrupts of the disk: fast disks are not used up.',
        libvirt="<driver queues='N'/> of the disk (or of the controller"
        ' virtio-scsi), N as many as vCPUs; or a machine type of 5.2 or newer'
        ' without the attribute. Shut down and start.',
        nova='A newer image property hw_machine_type, or nova.conf [libvirt]'
        ' hw_machine_type; Nova sets no number of queues for disks.',
        source='https://www.qemu.org/2021/01/19/'
        'virtio-blk-scsi-configuration/',
        unless='the disk behind it is slow itself (rotating, or limited).',
        look=_has_queues,
    ),
    check.Check(
        id='disk.discard',
        subject='disk',
        about='domain',
        severity='low',
        title='Freed blocks of a disk are not given back',
        reason='The image grows to its full size, backups and migrations'
        ' copy what nobody needs, and flash below wears.',
        libvirt="<driver discard='unmap'/> of the disk, then shut down and"
        ' start; in the guest fstrim.timer (Windows: "Optimize Drives").',
        nova='nova.conf [libvirt] hw_disk_discard = unmap, then a hard'
        ' reboot; volumes: the back end of Cinder reports discard'
        ' (report_discard_supported).',
        source=question.DOMAIN_FORMAT,
        unless='the disk is reserved in full on purpose (thick LVM,'
        ' preallocated), or must be wiped before blocks are given back.',
        look=_discards,
    ),
)
