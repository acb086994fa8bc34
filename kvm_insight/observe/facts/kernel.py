# SPDX-License-Identifier: Apache-2.0
"""The kernel: its release, its command line, what it was built with."""

from kvm_insight import exception
from kvm_insight.observe.facts import reader

#: A command line may hold a password; what no check knows stays there.
WORDS = frozenset(
    (
        'amd_iommu',
        'amd_pstate',
        'clocksource',
        'elevator',
        'hugepages',
        'hugepagesz',
        'idle',
        'intel_idle.max_cstate',
        'intel_iommu',
        'intel_pstate',
        'iommu',
        'isolcpus',
        'mitigations',
        'nohz_full',
        'nosmt',
        'numa_balancing',
        'processor.max_cstate',
        'psi',
        'rcu_nocbs',
        'schedstats',
        'systemd.unified_cgroup_hierarchy',
        'transparent_hugepage',
        'tsc',
    )
)
OPTIONS = (
    'CONFIG_HZ',
    'CONFIG_NUMA_BALANCING',
    'CONFIG_PSI',
    'CONFIG_PSI_DEFAULT_DISABLED',
    'CONFIG_SCHED_CORE',
    'CONFIG_SCHEDSTATS',
)
_CGROUP = 'sys/fs/cgroup'


def read(tree: reader.Reader) -> None:
    """Take all that there is of the kernel."""
    release = 'proc/sys/kernel/osrelease'
    tree.take('kernel_release', lambda: tree.word(release))
    tree.take('kernel_words', lambda: parse_words(tree.text('proc/cmdline')))
    tree.take(
        'kernel_options',
        lambda: parse_options(tree.text(f'boot/config-{tree.word(release)}')),
    )
    tree.take('cgroup_version', lambda: _cgroup_version(tree))
    tree.take(
        'cgroup_controllers',
        lambda: tree.text(f'{_CGROUP}/cgroup.controllers').split(),
    )
    tree.take('has_pressure', lambda: _has_pressure(tree))
    tree.take('has_schedstat', lambda: _has(tree, 'proc/self/schedstat'))
    tree.take(
        'sched_schedstats',
        lambda: tree.flag('proc/sys/kernel/sched_schedstats'),
    )
    tree.take(
        'numa_balancing', lambda: tree.number('proc/sys/kernel/numa_balancing')
    )
    tree.take('uptime_us', lambda: parse_uptime(tree.text('proc/uptime')))
    dmi = 'sys/class/dmi/id'
    tree.take('machine_vendor', lambda: tree.word(f'{dmi}/sys_vendor'))
    tree.take('machine_product', lambda: tree.word(f'{dmi}/product_name'))


def parse_words(text: str) -> list[str]:
    """Return the words of a command line that some check knows."""
    return [
        word[:1024]
        for word in text.split()
        if word.partition('=')[0].replace('-', '_') in WORDS
    ]


def parse_options(text: str) -> dict[str, str]:
    """Return how the kernel was built, of what some check knows."""
    found = {}
    for line in text.splitlines():
        name, _, value = line.partition('=')
        if name in OPTIONS:
            found[name] = value
        unset = line.removeprefix('# ').removesuffix(' is not set')
        if unset in OPTIONS:
            found[unset] = 'n'
    return found


def parse_uptime(text: str) -> int:
    """Return for how long the host runs, in microseconds."""
    try:
        return round(float(text.split()[0]) * 1e6)
    except (IndexError, ValueError, OverflowError) as why:
        raise exception.CollectorError(f'/proc/uptime: {text[:40]!r}') from why


def _cgroup_version(tree: reader.Reader) -> str:
    tree.names(_CGROUP)
    if tree.has(f'{_CGROUP}/cgroup.controllers'):
        return 'v2'
    if tree.has(f'{_CGROUP}/unified/cgroup.controllers'):
        return 'hybrid'
    return 'v1'


def _has_pressure(tree: reader.Reader) -> bool:
    """Say whether pressure can be read: older kernels have the files when it
    is off, too, and reading them fails."""
    tree.names('proc')
    try:
        tree.text('proc/pressure/cpu')
    except exception.NoData as why:
        if isinstance(why.__cause__, exception.NoData):
            raise
        return False
    return True


def _has(tree: reader.Reader, path: str) -> bool:
    """Say whether the kernel has a file; NoData where no proc is at all."""
    tree.names('proc')
    return tree.has(path)
