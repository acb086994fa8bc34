# SPDX-License-Identifier: Apache-2.0
"""The balloon: what the host learns of a guest's memory, and takes."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import question

_GUEST_MEMORY = (
    'https://docs.openstack.org/nova/latest/configuration/config'
    '.html#libvirt.mem_stats_period_seconds'
)
_MODEL = 'devices/memballoon/@model'
#: Below this a guest is not said to be short of memory.
_SWAP_BYTES_S = 64 * 1024
_WAIT_RATIO = 0.05
#: Balloons are given back page by page: less than this is no matter.
_NOTHING = 0.98


@question.reads('balloon')
def _has_one(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    if domain.security is not None:
        return check.NotConcerned('its memory is encrypted and stays')
    evidence = ((_MODEL, question.word(domain.balloon)),)
    if domain.balloon in (None, 'none'):
        return check.Bad(evidence, 'it has no balloon')
    return check.Good(evidence)


@question.reads('balloon', 'balloon_period_s')
def _has_statistics(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    if domain.balloon in (None, 'none'):
        return check.NotConcerned('it has no balloon')
    period = domain.balloon_period_s
    evidence = (
        (_MODEL, question.word(domain.balloon)),
        ('devices/memballoon/stats/@period', question.word(period)),
    )
    if period:
        return check.Good(evidence)
    return check.Bad(evidence, 'nobody sees what of its memory it uses')


@question.reads('balloon', 'balloon_options')
def _reports_free_pages(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    if domain.balloon in (None, 'none'):
        return check.NotConcerned('it has no balloon')
    if domain.host_devices or domain.memory_locked:
        return check.NotConcerned('all its memory is held by the host')
    if domain.hugepages_kib is not None:
        return check.NotConcerned('its huge pages are reserved anyway')
    word = domain.balloon_options.get('freePageReporting')
    node = 'devices/memballoon/@freePageReporting'
    evidence = ((node, question.word(word)),)
    if word == 'on':
        return check.Good(evidence)
    return check.Bad(evidence, 'what the guest frees stays with it')


@question.needs('memory_bytes', 'current_memory_bytes')
def _is_left_enough(case: check.DomainCase) -> check.Outcome:
    domain, use = case.domain, case.use
    most = domain.memory_bytes or 0
    has = domain.current_memory_bytes or 0
    if use is not None and use.balloon_bytes is not None:
        has = use.balloon_bytes
    evidence = (
        ('memory', f'{most >> 20} MiB'),
        ('currentMemory', f'{has >> 20} MiB'),
    )
    if has >= most * _NOTHING:
        return check.Good(evidence)
    if use is None:
        return check.CannotTell('nobody has measured whether it is short')
    if use.swap_in_bytes_s is None and use.memory_wait_ratio is None:
        return check.CannotTell('swap and pressure of memory: not measured')
    swap, wait = use.swap_in_bytes_s or 0.0, use.memory_wait_ratio or 0.0
    seen = (
        *evidence,
        ('measured: swapped in', f'{swap / 1024:.0f} KiB/s'),
        ('measured: waiting for memory', f'{wait:.1%}'),
    )
    if swap < _SWAP_BYTES_S and wait < _WAIT_RATIO:
        return check.Good(seen)
    what = f'{(most - has) >> 20} MiB are taken, and it is short of memory'
    return check.Bad(seen, what)


CHECKS = (
    check.Check(
        id='balloon.missing',
        subject='balloon',
        about='domain',
        severity='low',
        title='The domain has no balloon',
        reason='The host cannot see how much of its memory the guest uses,'
        ' nor take back what it has freed.',
        libvirt="<memballoon model='virtio'><stats period='10'/></memballoon>"
        ' within <devices>; then shut down and start.',
        nova='nova.conf [libvirt] mem_stats_period_seconds = 10 (0 leaves the'
        ' balloon out); then a hard reboot.',
        source=_GUEST_MEMORY,
        unless='its memory is locked, or devices of the host write to it: a'
        ' balloon only costs then.',
        look=_has_one,
    ),
    check.Check(
        id='balloon.statistics',
        subject='balloon',
        about='domain',
        severity='medium',
        title="The balloon's statistics are off",
        reason='Without a period libvirt has old numbers or none: guests that'
        ' are short of memory, or have far too much, are not seen.',
        libvirt='virsh dommemstat DOMAIN --period 10 --live --config (or'
        " <stats period='10'/> within <memballoon>).",
        nova='nova.conf [libvirt] mem_stats_period_seconds = 10; then a hard'
        ' reboot.',
        source=_GUEST_MEMORY,
        unless='the guest works in real time and must not be woken.',
        look=_has_statistics,
    ),
    check.Check(
        id='balloon.free-pages',
        subject='balloon',
        about='domain',
        severity='low',
        title='Memory that the guest frees is not given back',
        reason='What a guest has touched once stays with it for good, also'
        ' when it is free in there: the host fills up.',
        libvirt="<memballoon model='virtio' freePageReporting='on'/>; QEMU"
        ' 5.1, a guest with Linux 5.7 or newer. Shut down and start.',
        nova='No option; newer Nova (34 does) writes it into each instance:'
        ' upgrade, then a hard reboot of those that are older.',
        source=question.DOMAIN_FORMAT,
        unless='memory is not overcommitted on this host: to take it again'
        ' costs the guest time.',
        look=_reports_free_pages,
    ),
    check.Check(
        id='balloon.pressure',
        subject='balloon',
        about='domain',
        severity='high',
        title='The balloon holds memory of a guest that is short of it',
        reason='The guest swaps, or waits for its memory, while the host has'
        ' taken away what the guest was promised.',
        libvirt='virsh setmem DOMAIN SIZE --live (SIZE as in <memory>), and'
        " autodeflate='on' of <memballoon> against running out.",
        nova='Nova never inflates a balloon: find who does (a manager of'
        ' memory beside it). For more memory resize to a larger flavor.',
        source='https://libvirt.org/manpages/virsh.html#setmem',
        unless='the host would run out otherwise; then move guests away'
        ' first.',
        look=_is_left_enough,
    ),
)
