# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of a domain's huge pages."""

from kvm_insight.model import part

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

THP = 'sys/kernel/mm/transparent_hugepage/enabled'
NEVER = HostRow('', GOOD, files={THP: 'always madvise [never]'})
UNREAD = HostRow('', GOOD, files={THP: None})
LARGE = {
    "<memory unit='KiB'>4194304": "<memory unit='KiB'>16777216",
}
LOST = {"<memory unit='KiB'>4194304</memory>": ''}
SIZE = {"size='2048'": "size='two'"}


def pool(pages: int, free: int, memory: int = 64 << 30) -> HostRow:
    """Return a host with so many huge pages of 2 MiB."""
    pages_of = part.HugePages(node=0, size_kib=2048, pages=pages, free=free)
    known = {'hugepages': [pages_of], 'memory_bytes': memory}
    return HostRow('', GOOD, known=known)


ROWS = (
    DomainRow('hugepages.missing', GOOD, 'huge'),
    DomainRow('hugepages.missing', GOOD, changes=LARGE),
    DomainRow('hugepages.missing', GOOD, 'amd'),
    DomainRow('hugepages.missing', BAD, changes=LARGE, host=NEVER, says='16'),
    DomainRow('hugepages.missing', CANNOT_TELL, changes=LARGE, host=UNREAD),
    DomainRow('hugepages.missing', CANNOT_TELL, changes=LOST),
    DomainRow('hugepages.missing', CANNOT_TELL, 'huge', SIZE, says='two'),
    DomainRow('hugepages.missing', NOT_CONCERNED, host=NEVER),
    DomainRow('hugepages.beside-pool', GOOD, 'huge', host=pool(16384, 9000)),
    DomainRow('hugepages.beside-pool', GOOD, host=pool(16384, 100)),
    DomainRow('hugepages.beside-pool', BAD, host=pool(16384, 9000)),
    DomainRow(
        'hugepages.beside-pool',
        CANNOT_TELL,
        host=HostRow('', GOOD, known={'hugepages': None}),
    ),
    DomainRow('hugepages.beside-pool', NOT_CONCERNED),
)
