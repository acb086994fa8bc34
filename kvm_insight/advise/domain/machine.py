# SPDX-License-Identifier: Apache-2.0
"""The machine type of a domain: its age, its chipset, whether it is left."""

import re

from kvm_insight.advise import check
from kvm_insight.advise.domain import guest, question

_TYPES = '/capabilities: guest/arch/machine'
_OF_QEMU = re.compile(r'(?:pc-i440fx|pc-q35|virt|pseries|s390-ccw-virtio)-')
_NUMBER = re.compile(r'(\d{1,3})\.(\d{1,3})(?:\.\d+)?')
_RHEL = re.compile(r'.*-rhel(\d{1,2})\.(\d{1,2})(?:\.\d+)?')
#: QEMU numbers a year by its first figure since 2019, calls a type old after
#: three years and drops it after six.
_OLD = 3
_SOURCE = 'https://www.qemu.org/docs/master/about/deprecated.html'


def version(machine: str | None) -> tuple[int, int] | None:
    """Return QEMU's version that a type stands for; None for others."""
    name = machine or ''
    found = _OF_QEMU.match(name)
    number = _NUMBER.fullmatch(name[found.end() :]) if found else None
    return (int(number[1]), int(number[2])) if number else None


def _rhel(machine: str) -> int | None:
    found = _RHEL.fullmatch(machine)
    return int(found[1]) if found else None


def _year(found: tuple[int, int]) -> int:
    """Return when a version came out; 2.0 in 2014, three a year."""
    major, minor = found
    if major < 2:
        return 2012
    return 2014 + minor // 3 if major == 2 else 2015 + major


@question.needs('machine')
def _is_young(case: check.DomainCase) -> check.Outcome:
    own = case.domain.machine or ''
    types = case.host.machine_types
    if types is None:
        return check.why_unknown(case.host, 'machine_types')
    evidence = (('os/type/@machine', own),)
    vendor = _rhel(own)
    if vendor is not None:
        newest = max((_rhel(x) or 0 for x in types), default=0)
        seen = (*evidence, (_TYPES, f'up to rhel{newest}'))
        if newest - vendor < 2:
            return check.Good(seen)
        return check.Bad(seen, f'it is {newest - vendor} releases old')
    found = version(own)
    if found is None:
        return check.CannotTell(f'no age is known of machine type {own}')
    known = [one for x in types for one in [version(x)] if one is not None]
    if not known:
        return check.CannotTell(f'no age is known of the types in {_TYPES}')
    newest_type = max(known)
    seen = (*evidence, (_TYPES, f'up to {newest_type[0]}.{newest_type[1]}'))
    age = _year(newest_type) - _year(found)
    if age < _OLD:
        return check.Good(seen)
    return check.Bad(seen, f'it is {age} years older than what QEMU has')


@question.needs('machine')
def _is_left(case: check.DomainCase) -> check.Outcome:
    own = case.domain.machine or ''
    if case.domain.architecture != case.host.architecture:
        what = 'its architecture is not that of the host'
        return check.CannotTell(f'{what}: no machine types are known')
    hosts = (case.host, *case.peers)
    for one in hosts:
        if one.machine_types is None:
            return check.why_unknown(one, 'machine_types')
    lacking = [x for x in hosts if own not in (x.machine_types or ())]
    evidence = (
        ('os/type/@machine', own),
        (_TYPES, f'there on {len(hosts) - len(lacking)} of {len(hosts)}'),
    )
    if not lacking:
        return check.Good(evidence)
    where = 'this host' if case.host in lacking else 'another host'
    return check.Bad(evidence, f'QEMU of {where} has no {own}')


@question.needs('machine', 'architecture')
def _is_modern(case: check.DomainCase) -> check.Outcome:
    own = case.domain.machine or ''
    if not guest.is_x86(case.domain):
        return check.NotConcerned('it has one chipset on this architecture')
    evidence = (('os/type/@machine', own),)
    if 'q35' in own:
        return check.Good(evidence)
    if own == 'pc' or own.startswith(('pc-i440fx', 'pc-0', 'pc-1')):
        what = 'it has the chipset of 1996, without PCI Express'
        return check.Bad(evidence, what)
    if own.startswith('pc-'):
        return check.CannotTell(f'no chipset is known of machine type {own}')
    return check.NotConcerned(f'{own} is made for another purpose')


CHECKS = (
    check.Check(
        id='machine.old',
        subject='machine',
        about='domain',
        severity='low',
        title='Its machine type is years old',
        reason='A type freezes the devices as they were then: fewer queues,'
        ' older defaults, what was mended since stays as it was. QEMU drops a'
        ' type after six years, and then the guest starts nowhere.',
        libvirt='<type machine=...> with the newest of virsh capabilities'
        ' (pc-q35-... for q35), domain shut down; look after drivers and'
        ' activation of Windows.',
        nova='nova-manage libvirt update_machine_type INSTANCE TYPE with the'
        ' instance shut off; for new ones nova.conf [libvirt]'
        ' hw_machine_type = x86_64=q35 or image property hw_machine_type.',
        source=_SOURCE,
        unless='it moves to hosts with an older QEMU, which has no newer'
        ' type.',
        look=_is_young,
    ),
    check.Check(
        id='machine.dropped',
        subject='machine',
        about='domain',
        severity='high',
        title='A host has no more the machine type of this domain',
        reason='It cannot be started again after it is shut down, or not be'
        ' migrated there.',
        libvirt='<type machine=...> with one that virsh capabilities names on'
        ' all hosts, domain shut down.',
        nova='nova-manage libvirt list_unset_machine_type, then nova-manage'
        ' libvirt update_machine_type INSTANCE TYPE with the instance shut'
        ' off.',
        source='https://docs.openstack.org/nova/latest/admin/hw-machine-type'
        '.html',
        unless='the hosts without it are never to have it.',
        look=_is_left,
    ),
    check.Check(
        id='machine.chipset',
        subject='machine',
        about='domain',
        severity='low',
        title='Its chipset is i440FX',
        reason='It has no PCI Express and no vIOMMU: devices that are given'
        ' through lose features, and what is new in QEMU is made for q35.',
        libvirt="A new domain with <type machine='q35'/>; for one that is"
        ' there, without addresses of devices in its XML, domain shut down.',
        nova='nova.conf [libvirt] hw_machine_type = x86_64=q35, or image'
        ' property hw_machine_type=q35, then rebuild or a new instance.',
        source='https://www.qemu.org/docs/master/system/i386/pc.html',
        unless='the system in it is too old for q35 or was installed on IDE;'
        ' Windows asks for its licence again.',
        look=_is_modern,
    ),
)
