# SPDX-License-Identifier: Apache-2.0
"""Words of the metric reference: the host, the ledger, the agent.

Form as in ``metric_domain``.
"""

_STAT = '`/proc/stat` could not be read'
_MEMINFO = '`/proc/meminfo` could not be read'
_VMSTAT = 'this kernel does not count it'

WORDS: dict[str, str] = {
    'Sample': """
host: the option `host`, else the host's name
hypervisor_hostname: libvirt's host name; libvirt never answered
compute_id: Nova's `compute_id` file; no Nova on this host
boot_id: `/proc/sys/kernel/random/boot_id`
agent_id: made at each start of the agent
sequence: ~ counted by the agent, with `agent_id` a record's identity
time_us: ~ the host's clock, since 1970, which may jump
uptime_us: ~ the clock since boot, which does not
interval_us: ~ `uptime_us` less that of the sample before; the agent's first
missing: the collectors; this host can tell everything
agent: the agent about itself
system: the host itself
domains: libvirt and `/proc`
ledger: the ledger's collector; none has run yet
""",
    'System': f"""
cpus: `/sys/devices/system/cpu/online`
user_us: `/proc/stat`, less `guest`; {_STAT}
nice_us: `/proc/stat`, less `guest_nice`; {_STAT}
system_us: `/proc/stat`; {_STAT}
idle_us: `/proc/stat`; {_STAT}
iowait_us: `/proc/stat`; {_STAT}
irq_us: `/proc/stat`; {_STAT}
softirq_us: `/proc/stat`; {_STAT}
steal_us: `/proc/stat`, kept by a hypervisor below; {_STAT}
guest_us: `/proc/stat`, `guest` and `guest_nice`, KVM's only; {_STAT}
load1: ~ `/proc/loadavg`; it could not be read
frequency_khz: ~ mean of `cpufreq/scaling_cur_freq`, else of `cpu MHz` in
  `/proc/cpuinfo`; neither is there
pressure: `/proc/pressure`; PSI is off (boot with `psi=1`)
memory_bytes: ~ `MemTotal`; {_MEMINFO}
memory_available_bytes: ~ `MemAvailable`; {_MEMINFO}
swap_bytes: ~ `SwapTotal`, zero without swap; {_MEMINFO}
swap_free_bytes: ~ `SwapFree`; {_MEMINFO}
swap_in_pages: `pswpin` of `/proc/vmstat`; {_VMSTAT}
swap_out_pages: `pswpout` of `/proc/vmstat`; {_VMSTAT}
major_faults: `pgmajfault` of `/proc/vmstat`; {_VMSTAT}
oom_kills: `oom_kill` of `/proc/vmstat`; Linux before 4.13
numa_free_bytes: ~ `MemFree` of `/sys/devices/system/node/nodeN/meminfo`;
  a kernel without NUMA
hugepages: ~ `nr_hugepages` of each node and size; the kernel has none
hugepages_free: ~ `free_hugepages` of the same; the kernel has none
ksm_pages_shared: ~ `/sys/kernel/mm/ksm/pages_shared`; a kernel without KSM
ksm_pages_sharing: ~ `/sys/kernel/mm/ksm/pages_sharing`; a kernel without KSM
disks: `/proc/diskstats`, whole disks and software RAID; the kernel counts none
nics: `/sys/class/net`, physical devices and bonds; they could not be read
services: the 20 busiest of late, from `/proc` and their cgroups; `/proc`
  could not be read
""",
    'HostDisk': """
name: `/proc/diskstats`, field 3
read_requests: field 4
read_bytes: field 6, times 512
read_us: field 7
write_requests: field 8
write_bytes: field 10, times 512
write_us: field 11
in_flight: ~ field 12
busy_us: field 13
""",
    'Nic': """
name: `/sys/class/net`
rx_bytes: `statistics/rx_bytes`
rx_packets: `statistics/rx_packets`
rx_errors: `statistics/rx_errors`
rx_drops: `statistics/rx_dropped`
tx_bytes: `statistics/tx_bytes`
tx_packets: `statistics/tx_packets`
tx_errors: `statistics/tx_errors`
tx_drops: `statistics/tx_dropped`
speed_bits_s: ~ `speed`; the link is down, or the driver does not say
""",
    'Service': """
name: the innermost systemd unit in `/proc/<pid>/cgroup`, else the command
run_us: the unit's `cpu.stat` (v2) or `cpuacct.usage` (v1), else `utime` and
  `stime` of its processes, those that ended included
threads: ~ field 20 of `/proc/<pid>/stat`, of all its processes
""",
    'Ledger': """
source: which collector it is
interval_us: ~ time that the rows are of
rows: the collector, a row a domain, deltas and no counters
reason: why it is not `ebpf`; it is, or was not asked for
missed_switches: `ebpf`: switches that the kernel did not report; `sampled`
overruns: `ebpf`: waits longer than its memory of who ran; `sampled`
untracked_threads: `ebpf`: threads without state; `sampled`
completeness: ~ sum of the rows over the growth of run delay; nobody waited
""",
    'Row': """
victim: the domain's UUID
charges: ~ µs waited while each entity ran, of this interval alone
confidence: ~ 1 for `ebpf`, by the formula of the ledger's page for `sampled`
""",
    'Agent': """
version: the package
dropped: records that the spool dropped, since the agent started; always there
spooled: ~ records that wait for the broker; there is no spool
identity_failures: ~ domains without usable metadata, by status; none
ticks: readings of all threads, since the agent started; an exact ledger runs
cpu_us: the agent's own CPU time; it could not be read
rss_bytes: ~ the agent's own resident memory; it could not be read
collectors: how each collector fared in this interval
""",
    'Collector': """
name: the collector
duration_us: ~ what it took in this interval, over all domains
success: ~ whether it broke nowhere
error: what broke last; nothing did
""",
}
