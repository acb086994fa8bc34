# SPDX-License-Identifier: Apache-2.0
"""The size of the pages that a domain's memory is made of."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import question

_THP = '/sys/kernel/mm/transparent_hugepage/enabled'
_POOL = '/sys/devices/system/node/node*/hugepages'
_NODE = 'memoryBacking/hugepages'
_NOVA = 'https://docs.openstack.org/nova/latest/admin/huge-pages.html'
#: From here on page tables of 4 KiB pages do not fit into caches.
_LARGE = 8 << 30
#: With that much of the host reserved, huge pages are what it is for.
_RESERVED = 0.25


@question.needs('memory_bytes')
@question.reads('hugepages_kib')
def _has_large_pages(case: check.DomainCase) -> check.Outcome:
    domain, host = case.domain, case.host
    size = domain.memory_bytes or 0
    evidence = (
        ('memory', f'{size >> 20} MiB'),
        (_NODE, _sizes(domain.hugepages_kib)),
    )
    if domain.hugepages_kib is not None:
        return check.Good(evidence)
    if size < _LARGE:
        return check.NotConcerned(f'{size >> 20} MiB are few pages anyway')
    if host.thp_enabled is None:
        return check.why_unknown(host, 'thp_enabled')
    seen = (*evidence, (_THP, host.thp_enabled))
    if host.thp_enabled != 'never':
        return check.Good(seen)
    what = f'{size >> 30} GiB are made of small pages'
    return check.Bad(seen, what)


def _sizes(sizes: list[int] | None) -> str:
    if sizes is None:
        return 'absent'
    return ', '.join(f'{x} KiB' if x else "the host's own" for x in sizes)


@question.needs('memory_bytes')
@question.reads('hugepages_kib')
def _uses_the_pool(case: check.DomainCase) -> check.Outcome:
    domain, host = case.domain, case.host
    if host.hugepages is None or not host.memory_bytes:
        return check.why_unknown(host, 'hugepages', 'memory_bytes')
    pool = sum(x.pages * x.size_kib for x in host.hugepages) * 1024
    free = sum(x.free * x.size_kib for x in host.hugepages) * 1024
    evidence = (
        (_POOL, f'{pool >> 20} MiB, {free >> 20} MiB free'),
        (_NODE, _sizes(domain.hugepages_kib)),
    )
    if domain.hugepages_kib is not None:
        return check.Good(evidence)
    if pool < host.memory_bytes * _RESERVED:
        return check.NotConcerned('the host keeps few huge pages')
    size = domain.memory_bytes or 0
    if free < size:
        return check.Good(evidence)
    what = f'{size >> 20} MiB are taken beside huge pages that lie idle'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='hugepages.missing',
        subject='hugepages',
        about='domain',
        severity='medium',
        title='A large guest has small pages',
        reason='Each miss of the TLB walks two page tables; with pages of'
        ' 4 KiB large guests lose several per cent, and more where they jump'
        ' about in memory.',
        libvirt='echo madvise > /sys/kernel/mm/transparent_hugepage/enabled'
        ' (QEMU asks for them itself); or <memoryBacking><hugepages/>'
        '</memoryBacking> with pages reserved, then shut down and start.',
        nova='Flavor hw:mem_page_size=large (or image property'
        ' hw_mem_page_size) with pages reserved on the host; or the same'
        ' switch on the compute host.',
        source=_NOVA,
        unless='memory of the host is shared by KSM or overcommitted: huge'
        ' pages cannot be.',
        look=_has_large_pages,
    ),
    check.Check(
        id='hugepages.beside-pool',
        subject='hugepages',
        about='domain',
        severity='medium',
        title='A guest has small pages while reserved huge ones lie idle',
        reason='The reserve is taken from all else: the guest and the host'
        ' press together in the rest, and may swap beside free memory.',
        libvirt='<memoryBacking><hugepages/></memoryBacking>, then shut down'
        ' and start; or reserve fewer (sysctl vm.nr_hugepages).',
        nova='Flavor hw:mem_page_size=large and a resize; or keep such'
        ' instances off by an aggregate; nova.conf [DEFAULT]'
        ' reserved_huge_pages for pages that are not for instances.',
        source=_NOVA,
        unless='the pages are kept for guests that are about to come, or for'
        ' DPDK on the host.',
        look=_uses_the_pool,
    ),
)
