# SPDX-License-Identifier: Apache-2.0
"""I/O threads of a domain, and whether its disks use them."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import question
from kvm_insight.model import facts

_SOURCE = 'https://libvirt.org/formatdomain.html#iothreads-allocation'


def _threaded(domain: facts.DomainFacts) -> dict[str, int | None]:
    """Return what can have an I/O thread -> its thread."""
    found = {
        f"devices/disk[target/@dev='{one.name}']": one.iothread
        for one in domain.disks
        if one.bus == 'virtio' and one.device in ('disk', 'lun')
    }
    found |= {
        f"devices/controller[@type='scsi'][{number}]": one.iothread
        for number, one in enumerate(domain.controllers, 1)
        if one.kind == 'scsi' and (one.model or '').startswith('virtio')
    }
    return found


@question.reads('disks', 'controllers', 'iothreads')
def _has_some(case: check.DomainCase) -> check.Outcome:
    found = _threaded(case.domain)
    if not found:
        return check.NotConcerned('nothing of it can have an I/O thread')
    evidence = (
        ('iothreads', question.word(case.domain.iothreads)),
        *(
            (f'{node}/driver/@iothread', question.word(thread))
            for node, thread in found.items()
        ),
    )
    if any(thread is not None for thread in found.values()):
        return check.Good(evidence)
    if case.domain.iothreads:
        return check.NotConcerned('that it has idle ones is another matter')
    what = "its disks are served by QEMU's main thread"
    return check.Bad(evidence, what)


@question.reads('disks', 'controllers', 'iothreads')
def _uses_them(case: check.DomainCase) -> check.Outcome:
    threads = case.domain.iothreads
    if not threads:
        return check.NotConcerned('it has no I/O thread')
    used = {
        thread
        for thread in _threaded(case.domain).values()
        if thread is not None
    }
    evidence = (
        ('iothreads', str(threads)),
        (
            'devices//driver/@iothread',
            ', '.join(map(str, sorted(used))) or 'absent',
        ),
    )
    if len(used) >= threads:
        return check.Good(evidence)
    what = f'{threads - len(used)} of {threads} I/O threads serve nothing'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='iothread.missing',
        subject='iothread',
        about='domain',
        severity='medium',
        title='Its disks have no I/O thread',
        reason='Requests wait for whatever the main thread does (monitor,'
        ' display, migration), and disks wait for each other.',
        libvirt='<iothreads>1</iothreads>, and <driver'
        " iothread='1'/> of each virtio disk (or of the controller"
        ' virtio-scsi); then shut down and start.',
        nova='No extra spec and no option asks for one. Nova writes'
        ' <iothreads>1</iothreads> itself since 2026.1 (33), and puts no disk'
        ' on it as of 34; what is changed by virsh edit is gone with the next'
        ' hard reboot.',
        source=_SOURCE,
        unless='it hardly uses its disks: a thread more is one more to'
        ' schedule.',
        look=_has_some,
    ),
    check.Check(
        id='iothread.idle',
        subject='iothread',
        about='domain',
        severity='low',
        title='An I/O thread serves no disk',
        reason='The thread is there, and the disks are still served by the'
        ' main thread, or by one of the threads alone.',
        libvirt="<driver iothread='N'/> of each virtio disk (or of the"
        ' controller virtio-scsi), shared out among 1 to N; then shut down'
        ' and start.',
        nova='Nova 33 and 34 write the thread and put no disk on it, and no'
        ' option changes that: nothing to do but to upgrade when one does.',
        source=_SOURCE,
        unless='disks are to be plugged in later that will use it.',
        look=_uses_them,
    ),
)
