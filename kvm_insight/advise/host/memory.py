# SPDX-License-Identifier: Apache-2.0
"""Pages of the host's memory: large ones, and how whole it still is."""

from kvm_insight.advise import check
from kvm_insight.model import facts

_NODES = '/sys/devices/system/node'
_THP = '/sys/kernel/mm/transparent_hugepage'
_HUGE = 'https://docs.openstack.org/nova/latest/admin/huge-pages.html'
_TRANSPARENT = 'https://docs.kernel.org/admin-guide/mm/transhuge.html'
#: Reserved huge pages that nobody has, as a part of all memory.
_IDLE = 0.05
#: Of the memory that is no huge page, what is available.
_SCARCE = 0.10
#: A host with less ordinary memory than this is one for huge pages.
_MOSTLY = 0.5
#: Of the free memory, in blocks of a huge page.
_WHOLE = 0.10


def ordinary_bytes(host: facts.HostFacts) -> int:
    """Return the memory that is not reserved as huge pages."""
    huge = sum(x.size_kib * 1024 * x.pages for x in host.hugepages or ())
    return max((host.memory_bytes or 0) - huge, 0)


def _has_transparent(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.thp_enabled is None:
        return check.why_unknown(host, 'thp_enabled')
    evidence = ((f'{_THP}/enabled', host.thp_enabled),)
    # QEMU asks for them by madvise, so that this is enough.
    if host.thp_enabled in ('always', 'madvise'):
        return check.Good(evidence)
    if _lies_on_reserved(case):
        return check.Good((*evidence, *_pages(host)))
    return check.Bad(evidence, 'memory of guests lies on small pages')


def _lies_on_reserved(case: check.HostCase) -> bool:
    """Say whether guests have, or are to have, reserved huge pages."""
    if case.domains:
        return all(one.hugepages_kib for one in case.domains)
    total = case.host.memory_bytes or 0
    return ordinary_bytes(case.host) < _MOSTLY * total


def _is_patient(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.thp_defrag is None:
        return check.why_unknown(host, 'thp_defrag')
    evidence = ((f'{_THP}/defrag', host.thp_defrag),)
    if host.thp_defrag != 'always':
        return check.Good(evidence)
    what = 'whoever wants a huge page waits until memory was compacted'
    return check.Bad(evidence, what)


def _pages(host: facts.HostFacts) -> check.Evidence:
    return tuple(
        (
            f'{_NODES}/node{x.node}/hugepages/hugepages-{x.size_kib}kB',
            f'{x.pages} pages, {x.free} free',
        )
        for x in host.hugepages or ()
        if x.pages
    )


def _is_used(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.hugepages is None or not host.memory_bytes:
        return check.why_unknown(host, 'hugepages', 'memory_bytes')
    evidence = _pages(host)
    if not evidence:
        return check.NotConcerned('no huge pages are reserved')
    reserved = host.hugepages_reserved or {}
    free = {x.size_kib: 0 for x in host.hugepages}
    for one in host.hugepages:
        free[one.size_kib] += one.free
    idle = sum(
        size * 1024 * max(pages - reserved.get(str(size), 0), 0)
        for size, pages in free.items()
    )
    ordinary = ordinary_bytes(host)
    available = host.memory_available_bytes
    if available is not None:
        words = f'{available >> 20} MiB of {ordinary >> 20} MiB'
        evidence += (('/proc/meminfo: MemAvailable', words),)
    if idle <= _IDLE * host.memory_bytes:
        return check.Good(evidence)
    kept = f'{idle >> 20} MiB are kept for huge pages that nobody has'
    if case.domains and not any(x.pages > x.free for x in host.hugepages):
        return check.Bad(evidence, f'{kept}, and no guest uses any')
    if available is not None and available < _SCARCE * ordinary:
        return check.Bad(evidence, f'{kept}, while other memory is scarce')
    # Room for guests that are yet to come is what they are reserved for.
    return check.Good(evidence)


def _is_enough(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.hugepages is None or host.hugepages_reserved is None:
        return check.why_unknown(host, 'hugepages', 'hugepages_reserved')
    evidence = _pages(host)
    if not evidence:
        return check.NotConcerned('no huge pages are reserved')
    free: dict[str, int] = {}
    for one in host.hugepages:
        key = str(one.size_kib)
        free[key] = free.get(key, 0) + one.free
    promised = host.hugepages_reserved
    evidence += tuple(
        (f'/sys/kernel/mm/hugepages/hugepages-{k}kB/resv_hugepages', str(v))
        for k, v in promised.items()
        if v
    )
    short = [k for k, v in promised.items() if v > free.get(k, 0)]
    surplus = [x for x in host.hugepages if x.surplus]
    if not short and not surplus:
        return check.Good(evidence)
    what = 'more huge pages are in use or promised than were reserved'
    return check.Bad(evidence, what)


def _is_whole(case: check.HostCase) -> check.Outcome:
    host = case.host
    if not host.free_bytes or host.free_in_blocks_bytes is None:
        return check.why_unknown(host, 'free_bytes', 'free_in_blocks_bytes')
    ratio = host.free_in_blocks_bytes / host.free_bytes
    evidence = (
        ('/proc/buddyinfo', f'{ratio:.0%} of what is free in 2 MiB or more'),
        ('/proc/meminfo: MemFree', f'{host.free_bytes >> 20} MiB'),
    )
    if ratio >= _WHOLE:
        return check.Good(evidence)
    return check.Bad(evidence, 'free memory lies in small pieces')


CHECKS = (
    check.Check(
        id='memory.transparent',
        subject='memory',
        about='host',
        severity='medium',
        title='Transparent huge pages are off',
        reason='With nested paging a miss of the TLB takes up to 24 reads;'
        ' huge pages make such misses rare and short.',
        libvirt='echo madvise >'
        ' /sys/kernel/mm/transparent_hugepage/enabled (QEMU asks for its'
        ' guests), or transparent_hugepage=madvise on the command line.',
        nova='The same on the compute host; or hw:mem_page_size=large with'
        ' pages that are reserved.',
        source=_TRANSPARENT,
        unless='all guests lie on reserved huge pages.',
        look=_has_transparent,
    ),
    check.Check(
        id='memory.defrag',
        subject='memory',
        about='host',
        severity='low',
        title='Who wants a huge page waits for compaction',
        reason='With defrag=always a page fault may stall for milliseconds'
        ' while memory is moved about.',
        libvirt='echo madvise > /sys/kernel/mm/transparent_hugepage/defrag,'
        ' or defer+madvise.',
        nova='The same on the compute host.',
        source=_TRANSPARENT,
        unless='guests live for long and their memory is touched once.',
        look=_is_patient,
    ),
    check.Check(
        id='memory.hugepages-idle',
        subject='memory',
        about='host',
        severity='medium',
        title='Huge pages are reserved in vain',
        reason='Nothing else may use that memory, and it is not swapped.',
        libvirt='Lower it: echo N > .../hugepages-2048kB/nr_hugepages, and'
        ' hugepages= on the command line; or give guests <memoryBacking>'
        '<hugepages/>.',
        nova='hw:mem_page_size=large in flavors of this aggregate, or fewer'
        ' pages; nova.conf [DEFAULT] reserved_huge_pages for others.',
        source=_HUGE,
        unless='guests that need them are about to start.',
        look=_is_used,
    ),
    check.Check(
        id='memory.hugepages-short',
        subject='memory',
        about='host',
        severity='medium',
        title='More huge pages are promised than were reserved',
        reason='What is beyond is taken from ordinary memory as long as that'
        ' is whole enough; after that guests do not start, or one that'
        ' touches a page which is not there is killed by SIGBUS.',
        libvirt='Reserve more (nr_hugepages, at boot for 1 GiB), and take'
        ' nr_overcommit_hugepages back to 0.',
        nova='The same on the compute host; nova.conf [DEFAULT]'
        ' reserved_huge_pages for what other services take.',
        source='https://docs.kernel.org/admin-guide/mm/hugetlbpage.html',
        unless='surplus pages were allowed on purpose.',
        look=_is_enough,
    ),
    check.Check(
        id='memory.fragmented',
        subject='memory',
        about='host',
        severity='low',
        title='Free memory lies in small pieces',
        reason='New guests get few transparent huge pages, and more reserved'
        ' ones cannot be had without a restart.',
        libvirt='echo 1 > /proc/sys/vm/compact_memory in a quiet hour;'
        ' sysctl vm.compaction_proactiveness; reserve huge pages at boot.',
        nova='The same on the compute host; hw:mem_page_size=large with pages'
        ' that are reserved at boot.',
        source='https://docs.kernel.org/admin-guide/sysctl/vm.html',
        unless='hardly anything is free at all: then that is the matter.',
        look=_is_whole,
    ),
)
