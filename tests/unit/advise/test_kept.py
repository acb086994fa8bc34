# SPDX-License-Identifier: Apache-2.0
"""Whole hosts: a well-kept one is left in peace, a badly kept one is not."""

import pytest

from kvm_insight.advise import check, registry
from kvm_insight.model import part

from . import case

CPU = 'sys/devices/system/cpu'
V = f'{CPU}/vulnerabilities'
NODE = 'sys/devices/system/node/node'
THP = 'sys/kernel/mm/transparent_hugepage'
KSM = 'sys/kernel/mm/ksm'
PARAMETERS = 'sys/module/kvm_amd/parameters'
EIGHT = range(8)
NO_SWAP = (
    'MemTotal: 131072000 kB\nMemFree: 2000000 kB\nMemAvailable: 6000000 kB\n'
    'SwapTotal: 0 kB\nSwapFree: 0 kB'
)
#: Nearly all memory is for guests, and a third of that is still free.
PAGES = {
    f'{NODE}{n}/hugepages/hugepages-1048576kB/{name}': number
    for n in (0, 1)
    for name, number in (('nr_hugepages', '56'), ('free_hugepages', '20'))
}
NO_SMALL = {
    f'{NODE}{n}/hugepages/hugepages-2048kB/{name}': '0'
    for n in (0, 1)
    for name in ('nr_hugepages', 'free_hugepages')
}
CACHE = 'Node 0 Active(file): 9000000 kB\nNode 0 Inactive(file): 9000000 kB'


def each(name: str, word: str) -> dict[str, str]:
    return {f'{CPU}/cpu{n}/cpufreq/{name}': word for n in EIGHT}


# The words of the kernel are those of arch/x86/kernel/cpu/bugs.c.
RHEL_ON_EPYC = case.HostRow(
    '',
    case.GOOD,
    'amd',
    files={
        **PAGES,
        **NO_SMALL,
        **each('scaling_driver', 'acpi-cpufreq'),
        **each('scaling_governor', 'performance'),
        'proc/meminfo': NO_SWAP,
        'proc/sys/kernel/osrelease': '5.14.0-570.12.1.el9_6.x86_64',
        'boot/config-5.14.0-570.12.1.el9_6.x86_64': (
            'CONFIG_PSI=y\nCONFIG_PSI_DEFAULT_DISABLED=y\nCONFIG_SCHED_CORE=y'
        ),
        'proc/cmdline': 'ro psi=1 hugepagesz=1G hugepages=112 iommu=pt',
        f'{CPU}/smt/active': '1',
        f'{PARAMETERS}/avic': 'N',
        f'{KSM}/run': '0',
        f'{THP}/enabled': 'always [madvise] never',
        f'{V}/spec_rstack_overflow': 'Mitigation: Safe RET',
        f'{V}/spectre_v2': (
            'Mitigation: Retpolines; IBPB: conditional; IBRS_FW; STIBP:'
            ' always-on; RSB filling; PBRSB-eIBRS: Not affected; BHI: Not'
            ' affected'
        ),
        f'{V}/tsa': 'Mitigation: Clear CPU buffers',
        f'{V}/vmscape': 'Mitigation: IBPB before exit to userspace',
    },
)
UBUNTU_ON_XEON = case.HostRow(
    '',
    case.GOOD,
    files={
        **each('scaling_governor', 'powersave'),
        **each('energy_performance_preference', 'balance_performance'),
        'etc/tuned/active_profile': None,
        'proc/sys/vm/swappiness': '60',
        'proc/sys/kernel/osrelease': '6.8.0-60-generic',
        'boot/config-6.8.0-60-generic': 'CONFIG_PSI=y\nCONFIG_SCHED_CORE=y',
        'proc/meminfo': (
            'MemTotal: 131072000 kB\nMemFree: 16000000 kB\n'
            'MemAvailable: 40000000 kB\n'
            'SwapTotal: 8388604 kB\nSwapFree: 7380000 kB'
        ),
        'proc/vmstat': 'pswpin 40000\npswpout 260000',
        'proc/uptime': '8640000.00 1.0',
        f'{NODE}0/meminfo': (
            f'Node 0 MemTotal: 65536000 kB\nNode 0 MemFree: 900000 kB\n{CACHE}'
        ),
        f'{CPU}/smt/active': '1',
        f'{CPU}/cpu0/cpuidle/state3/disable': '0',
        f'{V}/itlb_multihit': 'Not affected',
        f'{V}/mmio_stale_data': (
            'Mitigation: Clear CPU buffers; SMT vulnerable'
        ),
        f'{V}/gather_data_sampling': 'Mitigation: Microcode',
        f'{V}/spectre_v2': (
            'Mitigation: Enhanced / Automatic IBRS; IBPB: conditional;'
            ' PBRSB-eIBRS: SW sequence; BHI: SW loop, KVM: SW loop'
        ),
    },
)
FOR_BOUND_GUESTS = case.HostRow(
    '',
    case.GOOD,
    files={
        **PAGES,
        **NO_SMALL,
        **each('scaling_driver', 'acpi-cpufreq'),
        'etc/tuned/active_profile': 'cpu-partitioning',
        'etc/nova/nova.conf': '[compute]\ncpu_dedicated_set = 2-7',
        'proc/meminfo': NO_SWAP,
        'proc/sys/kernel/numa_balancing': '0',
        'proc/cmdline': 'ro nohz_full=2-7 rcu_nocbs=2-7 intel_pstate=disable',
        f'{THP}/enabled': 'always madvise [never]',
    },
)
GRAVITON = case.HostRow(
    '',
    case.GOOD,
    'arm',
    files={'etc/tuned/active_profile': None},
    known={
        'frequency_governors': None,
        'frequency_drivers': None,
        'energy_preferences': None,
        'turbo': None,
    },
)
AMPERE = case.HostRow(
    '',
    case.GOOD,
    'arm',
    files={
        f'{CPU}/cpu{n}/cpufreq/scaling_governor': 'schedutil' for n in range(8)
    },
)
WELL_KEPT = {
    'RHEL on EPYC': RHEL_ON_EPYC,
    'Ubuntu on Xeon': UBUNTU_ON_XEON,
    'for bound guests': FOR_BOUND_GUESTS,
    'Graviton': GRAVITON,
    'Ampere': AMPERE,
}
BADLY_KEPT = case.HostRow(
    '',
    case.GOOD,
    files={
        **each('scaling_driver', 'acpi-cpufreq'),
        **each('scaling_governor', 'powersave'),
        'proc/meminfo': (
            'MemTotal: 131072000 kB\nMemFree: 900000 kB\n'
            'MemAvailable: 3000000 kB\n'
            'SwapTotal: 8388604 kB\nSwapFree: 90000 kB'
        ),
        'proc/cmdline': 'ro mitigations=off idle=poll',
        'proc/sys/kernel/numa_balancing': '0',
        'proc/sys/vm/swappiness': '60',
        'etc/tuned/active_profile': 'powersave',
        'etc/nova/nova.conf': '[DEFAULT]\nram_allocation_ratio = 3.0',
        'sys/devices/system/clocksource/clocksource0/current_clocksource': (
            'hpet'
        ),
        'sys/module/kvm_intel/parameters/ept': 'N',
        'sys/module/kvm_intel/parameters/enable_apicv': 'N',
        f'{CPU}/intel_pstate/no_turbo': '1',
        f'{CPU}/smt/active': '1',
        f'{THP}/enabled': 'always madvise [never]',
        f'{V}/l1tf': 'Mitigation: PTE Inversion; VMX: vulnerable',
        f'{V}/mds': 'Vulnerable; SMT vulnerable',
        f'{V}/gather_data_sampling': 'Vulnerable: No microcode',
    },
    known={'kvm_device': part.Access(mode=0o600, uid=0, gid=0)},
)
EXPECTED = {
    'extension.interrupts',
    'extension.nested-paging',
    'frequency.clocksource',
    'frequency.driver',
    'frequency.governor',
    'frequency.polling',
    'frequency.turbo',
    'kvm.device',
    'memory.transparent',
    'mitigation.microcode',
    'mitigation.open',
    'mitigation.smt',
    'numa.balancing',
    'reclaim.ksm-off',
    'reclaim.swap-missing',
    'reclaim.swap-used',
    'reclaim.swappiness',
    'system.tuned',
}


def found(row: case.HostRow) -> dict[str, check.Severity]:
    return {
        one.asked.id: one.asked.severity
        for one in registry.of_host(case.host_case(row))
        if isinstance(one.outcome, check.Bad)
    }


@pytest.mark.parametrize('name', WELL_KEPT)
def test_a_well_kept_host_hears_nothing_that_is_not_low(name: str) -> None:
    loud = {k: v for k, v in found(WELL_KEPT[name]).items() if v != 'low'}
    assert loud == {}


def test_a_badly_kept_host_hears_of_all_that_is_wrong() -> None:
    assert found(BADLY_KEPT).keys() >= EXPECTED
