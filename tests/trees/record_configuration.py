#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records how this host is configured as one small tree.

    record_configuration.py > tests/trees/configured/NAME/tree.txt

Only files are taken from which facts are read, and of those with passwords
or names in them only what a check knows.
"""

import pathlib
import sys
from collections.abc import Iterator

from kvm_insight.observe.facts import kernel, kvm, service

ROOT = pathlib.Path('/')
PATTERNS = (
    'proc/buddyinfo',
    'proc/cmdline',
    'proc/cpuinfo',
    'proc/meminfo',
    'proc/pressure/cpu',
    'proc/self/schedstat',
    'proc/sys/kernel/arch',
    'proc/sys/kernel/numa_balancing',
    'proc/sys/kernel/osrelease',
    'proc/sys/kernel/sched_schedstats',
    'proc/sys/vm/overcommit_memory',
    'proc/sys/vm/swappiness',
    'proc/uptime',
    'proc/vmstat',
    'boot/config-*',
    'etc/libvirt/qemu.conf',
    'etc/tuned/active_profile',
    'sys/block/*/device/uevent',
    'sys/block/*/queue/nr_requests',
    'sys/block/*/queue/rotational',
    'sys/block/*/queue/scheduler',
    'sys/block/*/queue/write_cache',
    'sys/class/dmi/id/product_name',
    'sys/class/dmi/id/sys_vendor',
    'sys/class/iommu/*/power/control',
    'sys/class/net/*/device/numa_node',
    'sys/class/net/*/device/uevent',
    'sys/class/net/*/mtu',
    'sys/class/net/*/operstate',
    'sys/class/net/*/queues/*/?ps_cpus',
    'sys/class/net/*/speed',
    'sys/devices/system/clocksource/clocksource0/*_clocksource',
    'sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference',
    'sys/devices/system/cpu/cpu*/cpufreq/scaling_driver',
    'sys/devices/system/cpu/cpu*/cpufreq/scaling_governor',
    'sys/devices/system/cpu/cpu0/cpuidle/state*/disable',
    'sys/devices/system/cpu/cpu0/cpuidle/state*/latency',
    'sys/devices/system/cpu/cpu0/cpuidle/state*/name',
    'sys/devices/system/cpu/cpufreq/boost',
    'sys/devices/system/cpu/cpuidle/current_*',
    'sys/devices/system/cpu/intel_pstate/no_turbo',
    'sys/devices/system/cpu/isolated',
    'sys/devices/system/cpu/online',
    'sys/devices/system/cpu/smt/active',
    'sys/devices/system/cpu/smt/control',
    'sys/devices/system/cpu/vulnerabilities/*',
    'sys/devices/system/node/node*/cpulist',
    'sys/devices/system/node/node*/distance',
    'sys/devices/system/node/node*/hugepages/*/*_hugepages',
    'sys/devices/system/node/node*/meminfo',
    'sys/fs/cgroup/cgroup.controllers',
    'sys/fs/cgroup/unified/cgroup.controllers',
    'sys/kernel/iommu_groups/*/type',
    'sys/kernel/mm/hugepages/*/resv_hugepages',
    'sys/kernel/mm/ksm/merge_across_nodes',
    'sys/kernel/mm/ksm/pages_shar*',
    'sys/kernel/mm/ksm/run',
    'sys/kernel/mm/transparent_hugepage/defrag',
    'sys/kernel/mm/transparent_hugepage/enabled',
)
KEPT_LINES = {
    'meminfo': ('Mem', 'Node', 'Swap'),
    'vmstat': ('pswp',),
}


def files() -> Iterator[tuple[str, str]]:
    """Yield path and text of what is taken."""
    for pattern in PATTERNS:
        for path in sorted(ROOT.glob(pattern)):
            if 'virtual/block' in str(path.resolve()):
                continue
            name = str(path.relative_to(ROOT))
            try:
                yield name, kept(name, path.read_text())
            except OSError:
                continue
    yield from modules()
    yield from processes()


def modules() -> Iterator[tuple[str, str]]:
    """Yield the modules that a check knows, with their parameters."""
    for name in kvm.MODULES:
        if (ROOT / 'sys/module' / name).exists():
            yield f'sys/module/{name}/refcnt', '0\n'
    for word in kvm.PARAMETERS:
        module, _, parameter = word.partition('.')
        name = f'sys/module/{module}/parameters/{parameter}'
        if (ROOT / name).exists():
            yield name, (ROOT / name).read_text()


def processes() -> Iterator[tuple[str, str]]:
    """Yield the daemons that a check knows; no others are told of."""
    yield 'proc/1/comm', 'init\n'
    for path in sorted(ROOT.glob('proc/[0-9]*/comm')):
        text = path.read_text()
        if text.strip() in service.DAEMONS:
            yield str(path.relative_to(ROOT)), text
        if text.strip() == 'ksmd':
            stat = path.with_name('stat')
            yield str(stat.relative_to(ROOT)), stat.read_text()


def kept(name: str, text: str) -> str:
    """Return what of a file is recorded."""
    last = name.rpartition('/')[2]
    if last == 'cmdline':
        return ' '.join(kernel.parse_words(text)) + '\n'
    if last == 'qemu.conf':
        words = service.parse_qemu(text)
        return ''.join(f'{k} = "{v}"\n' for k, v in words.items())
    if last.startswith('config-'):
        words = kernel.parse_options(text)
        return ''.join(f'{k}={v}\n' for k, v in words.items())
    begins = KEPT_LINES.get(last)
    if begins:
        lines = text.splitlines(keepends=True)
        return ''.join(line for line in lines if line.startswith(begins))
    return text


def main() -> None:
    """Write the tree to standard output."""
    for name, text in files():
        sys.stdout.write(f'-- {name} --\n{text}')
        if text and not text.endswith('\n'):
            sys.stdout.write('\n')


if __name__ == '__main__':
    main()
