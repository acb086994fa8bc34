# SPDX-License-Identifier: Apache-2.0
"""Memory that is had back: same pages merged (KSM), cold ones swapped."""

from kvm_insight.advise import check
from kvm_insight.advise.host import memory, ratios
from kvm_insight.model import facts

_KSM = '/sys/kernel/mm/ksm'
_KSM_PAGE = 'https://docs.kernel.org/admin-guide/mm/ksm.html'
_VM = 'https://docs.kernel.org/admin-guide/sysctl/vm.html'
_OVERCOMMIT = 'https://docs.openstack.org/nova/latest/admin/scheduling.html'
_PAGE = 4096
#: Arm with pages of 64 KiB has huge ones of 512 MiB, and nobody else has.
_LARGE_PAGE = 65536
_LARGE_HUGE_KIB = 524288
#: ksmd's part of a CPU, and of all memory what merging must give for that.
_DEAR = 0.05
_WORTH = 0.01
#: Available memory below which merging would be worth a try.
_TIGHT = 0.10
_SWAPPED = 0.10
#: Of all memory; and pages a second, on average since boot.
_LITTLE = 0.01
_SELDOM = 1.0
_CALM = 10
_RATIO = 'DEFAULT.ram_allocation_ratio'


def _is_worth_it(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.ksm_run is None:
        return check.why_unknown(host, 'ksm_run')
    if host.ksm_run != 1:
        return check.NotConcerned('KSM does not run')
    if (
        host.ksm_cpu_us is None
        or host.ksm_pages_sharing is None
        or not host.uptime_us
        or not host.memory_bytes
    ):
        return check.why_unknown(
            host, 'ksm_cpu_us', 'ksm_pages_sharing', 'uptime_us'
        )
    cost = host.ksm_cpu_us / host.uptime_us
    gain = host.ksm_pages_sharing * _page(host) / host.memory_bytes
    evidence = (
        ('ksmd: CPU time since boot', f'{cost:.1%} of a CPU'),
        (f'{_KSM}/pages_sharing', f'{gain:.1%} of the memory saved'),
    )
    if cost > _DEAR and gain < _WORTH:
        return check.Bad(evidence, 'KSM costs CPU time and saves next to none')
    return check.Good(evidence)


def _page(host: facts.HostFacts) -> int:
    """Return the size of a page, which follows from that of huge ones."""
    sizes = {one.size_kib for one in host.hugepages or ()}
    return _LARGE_PAGE if _LARGE_HUGE_KIB in sizes else _PAGE


def _is_missed(case: check.HostCase) -> check.Outcome:
    host = case.host
    if (
        host.ksm_run is None
        or host.memory_available_bytes is None
        or not host.memory_bytes
    ):
        return check.why_unknown(
            host, 'ksm_run', 'memory_available_bytes', 'memory_bytes'
        )
    # It merges no huge pages, so that they are left out on both sides.
    ordinary = memory.ordinary_bytes(host)
    if ordinary < host.memory_bytes / 2:
        return check.NotConcerned('memory is reserved for huge pages')
    ratio = host.memory_available_bytes / ordinary
    evidence = (
        (f'{_KSM}/run', str(host.ksm_run)),
        ('/proc/meminfo: MemAvailable', f'{ratio:.0%} of the memory'),
    )
    if host.ksm_run == 1 or ratio >= _TIGHT:
        return check.Good(evidence)
    return check.Bad(evidence, 'memory is scarce, and same pages stay apart')


def _stays_on_node(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.ksm_run is None or host.nodes is None:
        return check.why_unknown(host, 'ksm_run', 'nodes')
    if host.ksm_run != 1 or len(host.nodes) < 2:
        return check.NotConcerned('KSM does not run, or there is one node')
    if host.ksm_merge_across_nodes is None:
        return check.why_unknown(host, 'ksm_merge_across_nodes')
    evidence = (
        (
            f'{_KSM}/merge_across_nodes',
            str(int(host.ksm_merge_across_nodes)),
        ),
    )
    if not host.ksm_merge_across_nodes:
        return check.Good(evidence)
    return check.Bad(evidence, 'KSM merges pages of different NUMA nodes')


def _is_in_memory(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.swap_bytes is None or host.swap_free_bytes is None:
        return check.why_unknown(host, 'swap_bytes', 'swap_free_bytes')
    if not host.swap_bytes:
        return check.NotConcerned('there is no swap')
    used = host.swap_bytes - host.swap_free_bytes
    evidence = [('/proc/meminfo: SwapTotal, SwapFree', f'{used >> 20} MiB')]
    if host.swap_in_pages is not None:
        words = f'{host.swap_in_pages} pages since boot'
        evidence.append(('/proc/vmstat: pswpin', words))
    if used <= _SWAPPED * host.swap_bytes or _is_forgotten(host, used):
        return check.Good(tuple(evidence))
    what = f'{used / host.swap_bytes:.0%} of the swap is in use'
    return check.Bad(tuple(evidence), what)


def _is_forgotten(host: facts.HostFacts, used_bytes: int) -> bool:
    """Say whether little is out, and hardly any of it ever comes back."""
    if not host.memory_bytes or not host.uptime_us:
        return False
    if host.swap_in_pages is None:
        return False
    pages_s = host.swap_in_pages / (host.uptime_us / 1e6)
    return used_bytes < _LITTLE * host.memory_bytes and pages_s < _SELDOM


def _is_calm(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.swap_bytes is None or host.swappiness is None:
        return check.why_unknown(host, 'swap_bytes', 'swappiness')
    if not host.swap_bytes:
        return check.NotConcerned('there is no swap')
    evidence = (('/proc/sys/vm/swappiness', str(host.swappiness)),)
    if host.swappiness <= _CALM:
        return check.Good(evidence)
    what = 'memory of guests is swapped out in favour of cached files'
    return check.Bad(evidence, what)


def _has_swap(case: check.HostCase) -> check.Outcome:
    """Judge whether memory that is promised twice has something behind."""
    host = case.host
    if host.swap_bytes is None:
        return check.why_unknown(host, 'swap_bytes')
    ratio = ratios.memory(host)
    if isinstance(ratio, str):
        return check.CannotTell(ratio)
    if ratio <= 1:
        return check.NotConcerned('no memory is promised twice')
    evidence = (
        ('/proc/meminfo: SwapTotal', f'{host.swap_bytes >> 20} MiB'),
        (f'nova.conf: {_RATIO}', f'{ratio:g}'),
    )
    wanted = (ratio - 1) * (host.memory_bytes or 0)
    if host.swap_bytes >= wanted:
        return check.Good(evidence)
    what = f'{wanted / 2**20:.0f} MiB are promised beyond what there is'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='reclaim.ksm-cost',
        subject='reclaim',
        about='host',
        severity='low',
        title='KSM costs more than it gives',
        reason='ksmd compares pages all the time, and it empties caches that'
        ' guests share with it.',
        libvirt='echo 2 > /sys/kernel/mm/ksm/run (0 stops it and keeps what is'
        ' merged), and systemctl disable ksm ksmtuned.',
        nova='The same on the compute host.',
        source=_KSM_PAGE,
        unless='guests with the same system are about to come.',
        look=_is_worth_it,
    ),
    check.Check(
        id='reclaim.ksm-off',
        subject='reclaim',
        about='host',
        severity='low',
        title='Memory is scarce and KSM is off',
        reason='Guests of the same system have many same pages; merging them'
        ' costs less than swapping.',
        libvirt='echo 1 > /sys/kernel/mm/ksm/run, or systemctl enable --now'
        ' ksm ksmtuned.',
        nova='The same on the compute host; flavors with huge pages or locked'
        ' memory gain nothing.',
        source=_KSM_PAGE,
        unless='guests of different owners are here: merged pages let one'
        ' find out what another has. Rather move guests away.',
        look=_is_missed,
    ),
    check.Check(
        id='reclaim.ksm-across-nodes',
        subject='reclaim',
        about='host',
        severity='low',
        title='KSM merges pages across NUMA nodes',
        reason='One copy is on one node, and guests on all others read it'
        ' over the link.',
        libvirt='echo 2 > /sys/kernel/mm/ksm/run, then echo 0 >'
        ' /sys/kernel/mm/ksm/merge_across_nodes and echo 1 > .../run; or'
        ' virsh node-memory-tune --shm-merge-across-nodes 0.',
        nova='The same on the compute host.',
        source=_KSM_PAGE,
        unless='memory is so scarce that each page counts.',
        look=_stays_on_node,
    ),
    check.Check(
        id='reclaim.swap-used',
        subject='reclaim',
        about='host',
        severity='medium',
        title='Memory of this host is swapped out',
        reason='A guest that touches such memory waits for the disk, and its'
        ' own kernel cannot know why.',
        libvirt='Move or end guests until it fits; swapoff -a && swapon -a'
        ' brings back what is out, once there is room.',
        nova='Lower [DEFAULT] ram_allocation_ratio, raise'
        ' reserved_host_memory_mb, then move instances (openstack server'
        ' migrate --live-migration).',
        source=_VM,
        unless='what is out is never touched: pswpin does not grow.',
        look=_is_in_memory,
    ),
    check.Check(
        id='reclaim.swappiness',
        subject='reclaim',
        about='host',
        severity='low',
        title='The kernel likes to swap guests out',
        reason='At the default of 60 cached files and memory of guests are'
        ' given up nearly alike, and images that are read push guests out.',
        libvirt='sysctl vm.swappiness=10, as the tuned profile virtual-host'
        ' does.',
        nova='The same on the compute host.',
        source=_VM,
        unless='swap is compressed memory (zram), and quick.',
        look=_is_calm,
    ),
    check.Check(
        id='reclaim.swap-missing',
        subject='reclaim',
        about='host',
        severity='medium',
        title='Memory is promised twice, and there is no swap for it',
        reason='When guests take what they were promised, the kernel kills'
        ' one of them.',
        libvirt='Add swap for what is promised beyond the memory, or promise'
        ' less.',
        nova='nova.conf [DEFAULT] ram_allocation_ratio = 1.0, or the inventory'
        ' in Placement (openstack resource provider inventory set); else add'
        ' swap.',
        source=_OVERCOMMIT,
        unless='KSM or balloons are known to give it back in time.',
        look=_has_swap,
    ),
)
