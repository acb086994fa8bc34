# SPDX-License-Identifier: Apache-2.0
"""Cache and AIO modes of a domain's disks."""

import functools
from collections.abc import Callable

from kvm_insight.advise import check
from kvm_insight.advise.domain import question
from kvm_insight.model import facts, part

_Disks = list[part.DomainDisk]

_SLOW = ('writethrough', 'directsync')
_DIRECT = ('none', 'directsync')
_OF_HOST = ('file', 'block')
#: What QEMU takes where nothing is said; one that libvirt leaves to it.
_BY_ITSELF = 'writeback'
_MODES = (None, 'default', 'none', 'writeback', 'unsafe', *_SLOW)


def _disks(domain: facts.DomainFacts) -> _Disks:
    return [
        one
        for one in domain.disks
        if one.device == 'disk' and not one.is_read_only
    ]


def _mode(one: part.DomainDisk) -> str:
    return one.cache if one.cache not in (None, 'default') else _BY_ITSELF


def _evidence(disks: _Disks) -> check.Evidence:
    return tuple(
        (
            f"devices/disk[target/@dev='{one.name}']/driver/@cache",
            one.cache or f'absent: {_BY_ITSELF}',
        )
        for one in disks
    )


def _names(disks: _Disks) -> str:
    return ', '.join(one.name for one in disks)


def _unread(disks: _Disks) -> check.Outcome | None:
    """Return the answer where there is nothing to judge, else None."""
    if not disks:
        return check.NotConcerned('it has no disk that it may write')
    for one in disks:
        if one.cache not in _MODES:
            return check.CannotTell(f'disk {one.name}: cache {one.cache!r}')
        if one.kind is None:
            return check.CannotTell(f'disk {one.name}: no @type')
    return None


def _judged(look: Callable[[_Disks], check.Outcome]) -> question.Look:
    """Look at disks where there are some, and all that is needed of them."""

    @question.reads('disks')
    @functools.wraps(look)
    def asked(case: check.DomainCase) -> check.Outcome:
        disks = _disks(case.domain)
        return _unread(disks) or look(disks)

    return asked


@_judged
def _is_safe(disks: _Disks) -> check.Outcome:
    unsafe = [one for one in disks if one.cache == 'unsafe']
    if not unsafe:
        return check.Good(_evidence(disks))
    what = f'{_names(unsafe)} ignores what the guest asks to be kept'
    return check.Bad(_evidence(disks), what)


@_judged
def _is_quick(disks: _Disks) -> check.Outcome:
    slow = [one for one in disks if one.cache in _SLOW]
    if not slow:
        return check.Good(_evidence(disks))
    what = f'each write of {_names(slow)} waits until the disk has it'
    return check.Bad(_evidence(disks), what)


@_judged
def _is_direct(disks: _Disks) -> check.Outcome:
    own = [one for one in disks if one.kind in _OF_HOST]
    if not own:
        return check.NotConcerned('its disks are not files of the host')
    doubled = [one for one in own if _mode(one) == 'writeback']
    if not doubled:
        return check.Good(_evidence(own))
    what = f"the host's page cache keeps {_names(doubled)} once more"
    return check.Bad(_evidence(own), what)


@_judged
def _is_asynchronous(disks: _Disks) -> check.Outcome:
    direct = [
        one for one in disks if one.kind in _OF_HOST and one.cache in _DIRECT
    ]
    if not direct:
        return check.NotConcerned('no disk goes past the page cache')
    evidence = tuple(
        (
            f"devices/disk[target/@dev='{one.name}']/driver/@io",
            one.io or 'absent: threads',
        )
        for one in direct
    )
    slow = [one for one in direct if one.io in (None, 'threads')]
    if not slow:
        return check.Good(evidence)
    what = f'requests of {_names(slow)} go through a pool of threads'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='cache.unsafe',
        subject='cache',
        about='domain',
        severity='high',
        title='A disk is written without ever being flushed',
        reason='After a crash of the host the file system of the guest is'
        ' broken, since what it had flushed was only in memory.',
        libvirt="<driver cache='none'/> of the disk, then shut down and"
        ' start.',
        nova='nova.conf [libvirt] disk_cachemodes without unsafe (for example'
        ' file=none,block=none), then a hard reboot.',
        source='https://www.qemu.org/docs/master/system/invocation.html',
        unless='the guest is made anew each time, as one that runs tests.',
        look=_is_safe,
    ),
    check.Check(
        id='cache.synchronous',
        subject='cache',
        about='domain',
        severity='medium',
        title='Each write of a disk waits for the medium',
        reason='The guest is shown a disk without a cache of its own, so each'
        ' request is followed by a flush, not only those that the guest asks'
        ' for.',
        libvirt="<driver cache='none' io='native'/> of the disk, then shut"
        ' down and start.',
        nova='nova.conf [libvirt] disk_cachemodes = file=none,block=none'
        ' (where the file system can O_DIRECT), then a hard reboot.',
        source='https://docs.openstack.org/nova/latest/configuration/config'
        '.html#libvirt.disk_cachemodes',
        unless='the guest flushes nothing itself (file systems without'
        ' barriers), and must not lose writes.',
        look=_is_quick,
    ),
    check.Check(
        id='cache.doubled',
        subject='cache',
        about='domain',
        severity='low',
        title='The host caches a disk that its guest caches, too',
        reason='Memory of the host goes to copies of what the guest has in'
        ' its own; dirty pages pile up, and each flush takes long for all.'
        ' Live migration needs a shared file system that is coherent.',
        libvirt="<driver cache='none' io='native'/> of the disk, then shut"
        ' down and start.',
        nova='nova.conf [libvirt] disk_cachemodes = file=none,block=none,'
        ' then a hard reboot.',
        source='https://docs.openstack.org/nova/latest/configuration/config'
        '.html#libvirt.disk_cachemodes',
        unless='many guests read the same image (its backing file is cached'
        ' once for all), or its file system cannot O_DIRECT (tmpfs).',
        look=_is_direct,
    ),
    check.Check(
        id='cache.aio-threads',
        subject='cache',
        about='domain',
        severity='low',
        title='A direct disk is served by a pool of threads',
        reason='Each request wakes a thread of QEMU and makes it wait; by'
        ' io=native or io_uring the kernel is asked for many at once.',
        libvirt="<driver cache='none' io='native'/> (or io='io_uring') of the"
        ' disk, then shut down and start.',
        nova='nova.conf [libvirt] use_default_aio_mode_for_volumes = False;'
        ' for disks on the host [DEFAULT] preallocate_images = space, with'
        ' which Nova writes io=native; then a hard reboot.',
        source=question.DOMAIN_FORMAT,
        unless='the file is sparse or on a file system that blocks at'
        ' submission (ext4 while it allocates): threads are steadier there.',
        look=_is_asynchronous,
    ),
)
