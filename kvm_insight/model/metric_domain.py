# SPDX-License-Identifier: Apache-2.0
"""Words of the metric reference: the structs of a domain.

A line is ``field: source; what absence means``; ``~`` marks a value of now,
all other numbers are counters.
"""

_LIBVIRT = 'QEMU has not answered yet, or libvirt does not offer it'
_BALLOON = 'the guest has no balloon driver, or no statistics period is set'
_UNSET = 'no such limit'

_PSI = 'PSI is off, cgroup v1 without v2 beside it, or no group of its own'

WORDS: dict[str, str] = {
    'Domain': f"""
uuid: libvirt; always there, and Nova's instance UUID
name: libvirt
epoch: QEMU's pid and start time, field 22 of `/proc/<pid>/stat`
state: libvirt's events, and at reconnection its list of domains
state_reason: as `state`; no reason was given
identity: Nova's metadata in the domain's XML, else the mapping file
libvirt_age_us: ~ time since libvirt last answered for this domain;
  it never did
vcpus: QEMU's threads
vcpus_maximum: ~ the domain's XML; the XML was not read yet
threads: QEMU's other threads and its vhost workers
affinity: `Cpus_allowed_list` of all threads together; no thread was read
cpu: the domain's CPU cgroup; QEMU is in no cgroup of its own
kvm: `/sys/kernel/debug/kvm/<pid>-<fd>/`; the guest runs under TCG, or
  debugfs is not mounted or locked down
pressure: the domain's v2 cgroup; {_PSI}
memory: libvirt's balloon statistics, `/proc` and the cgroup; nothing of it
  could be read
disks: libvirt's block statistics; {_LIBVIRT}
interfaces: libvirt's interface statistics; {_LIBVIRT}
job: `virDomainGetJobStats`; no job runs
perf: libvirt's perf events, `/sys/fs/resctrl`; none is switched on
""",
    'Identity': """
source: which of them was there
status: how usable it was
instance_name: `nova:name`, or the mapping; not told
project_id: `nova:project`'s `uuid`, or the mapping; always there
project_name: `nova:project`, or the mapping; not told
user_id: `nova:user`'s `uuid`; not told
user_name: `nova:user`; not told
flavor: `nova:flavor`; not told
image_id: `nova:root`; booted from a volume
created_at: `nova:creationTime`; not told
nova_version: `nova:package`; not told
""",
    'Flavor': """
name: `nova:flavor`'s `name`; not told
flavor_id: `nova:flavor`'s `id`; Nova before 2025.2
vcpus: ~ `nova:vcpus`; not told
memory_bytes: ~ `nova:memory`; not told
disk_bytes: ~ `nova:disk`; not told
extra_specs: `nova:extraSpecs`; none, or Nova before 2025.2
""",
    'Vcpu': """
index: ~ the thread's name (`CPU 0/KVM`), else libvirt's group `vcpu0`; under
  single-threaded TCG one thread runs all, as the first
tid: ~ `/proc/<pid>/task`; a changed one is a new epoch of the counters
run_us: `/proc/<pid>/task/<tid>/schedstat`, field 1, halt polling included;
  without schedstat `utime` and `stime`, in steps of 10 ms; never absent
run_delay_us: `schedstat`, field 2, throttled time included; the kernel does
  not count it
slices: `schedstat`, field 3; the kernel does not count it
state: `/proc/<pid>/task/<tid>/stat`, field 3; the thread ended meanwhile
affinity: `Cpus_allowed_list` of its `status`; the thread ended meanwhile
last_cpu: ~ `stat`, field 39; the thread ended meanwhile
throttled_us: `cpu.stat` of libvirt's group `vcpuN`: `throttled_usec` (v2)
  or `throttled_time` (v1); no such group or the controller is off in it
exits: libvirt's `vcpu.N.exits.sum`; libvirt or QEMU does not offer it, see
  `domains[].kvm` for the sum of all vCPUs
halt_poll_us: libvirt's `vcpu.N.halt_poll_success_ns.sum` and `…_fail_ns`;
  as `exits`
halt_wait_us: libvirt's `vcpu.N.halt_wait_ns.sum`; as `exits`
""",
    'Threads': """
kind: the thread's name: `IO iothreadN`, `vhost-<pid>` (kernel threads
  before Linux 6.4, threads of QEMU after), all others are the emulator's
threads: ~ how many there are now
run_us: `schedstat`, field 1, those that ended included; the kernel does not
  count it
run_delay_us: `schedstat`, field 2, those that ended included; the kernel
  does not count it
slices: `schedstat`, field 3, those that ended included; the kernel does not
  count it
""",
    'CpuControl': """
quota_us: ~ `cpu.max` or `cpu.cfs_quota_us` of the scope or libvirt's group
  in it, whichever is tighter; no quota
period_us: ~ the same files; not told
vcpu_quota_us: ~ the same of libvirt's group `vcpu0`; no quota
vcpu_period_us: ~ the same of libvirt's group `vcpu0`; no such group
weight: ~ `cpu.weight`, or `cpu.shares` times 100 / 1024; not told
periods: `nr_periods` of the `cpu.stat` where the quota is; the controller
  is off
throttled_periods: `nr_throttled` of the same; the controller is off
throttled_us: `throttled_usec` (v2) or `throttled_time` (v1) of the same;
  the controller is off
""",
    'Kvm': """
exits: `exits`; this kernel or architecture has no such file
halt_exits: `halt_exits`; this kernel or architecture has no such file
halt_poll_success_us: `halt_poll_success_ns`; as `halt_exits`
halt_poll_fail_us: `halt_poll_fail_ns`; as `halt_exits`
halt_wait_us: `halt_wait_ns`; Linux before 5.15
""",
    'Pressure': f"""
cpu_some_us: `total=` of `some` in `cpu.pressure`, of the host in
  `/proc/pressure/cpu`; {_PSI}
cpu_full_us: `full` of the same; Linux before 5.13
memory_some_us: `some` in `memory.pressure`; {_PSI}
memory_full_us: `full` in `memory.pressure`; {_PSI}
io_some_us: `some` in `io.pressure`; {_PSI}
io_full_us: `full` in `io.pressure`; {_PSI}
irq_full_us: `full` in `irq.pressure`; Linux before 6.1, or its interrupt
  time accounting is off
""",
    'Memory': f"""
balloon_bytes: ~ `balloon.current`; {_LIBVIRT}
maximum_bytes: ~ `balloon.maximum`; {_LIBVIRT}
unused_bytes: ~ `balloon.unused`; {_BALLOON}
available_bytes: ~ `balloon.available`; {_BALLOON}
usable_bytes: ~ `balloon.usable`; {_BALLOON}
disk_caches_bytes: ~ `balloon.disk_caches`; {_BALLOON}
swap_in_bytes: `balloon.swap_in`; {_BALLOON}
swap_out_bytes: `balloon.swap_out`; {_BALLOON}
major_faults: `balloon.major_fault`, the guest's own; {_BALLOON}
minor_faults: `balloon.minor_fault`, the guest's own; {_BALLOON}
guest_hugepage_allocations: `balloon.hugetlb_pgalloc`; {_BALLOON}
guest_hugepage_failures: `balloon.hugetlb_pgfail`; {_BALLOON}
dirty_rate_bytes_s: ~ `dirtyrate.megabytes_per_second`; nobody asked for a
  calculation
dirty_rate_age_us: ~ time since that calculation; the agent did not start it
balloon_age_us: ~ time since `balloon.last-update`; the guest never spoke
rss_bytes: ~ `VmRSS` of `/proc/<pid>/status`, huge pages not in; QEMU ended
  meanwhile
cgroup_bytes: ~ `memory.current` (v2), `memory.usage_in_bytes` (v1); no
  memory group of its own
swap_bytes: ~ `memory.swap.current` (v2), `memory.memsw.usage_in_bytes` less
  the usage (v1), else `VmSwap`; QEMU ended meanwhile
oom_kills: `oom_kill` of `memory.events` or `memory.oom_control`; no memory
  group of its own, or v1 before Linux 4.13
host_major_faults: field 12 of `/proc/<pid>/stat`; QEMU ended meanwhile
host_minor_faults: field 10 of `/proc/<pid>/stat`; QEMU ended meanwhile
ksm_shared_bytes: ~ `ksm_merging_pages` of `/proc/<pid>/ksm_stat`; Linux
  before 6.1
numa_bytes: ~ `memory.numa_stat` (anonymous and file memory), with huge
  pages or without a group from `/proc/<pid>/numa_maps`; neither is there
hugepage_bytes: ~ the `hugetlb` cgroup, else `/proc/<pid>/numa_maps` if
  `HugetlbPages` is not zero; uses none
""",
    'Disk': f"""
name: libvirt's `block.N.name`, the guest's target
path: libvirt's `block.N.path`, or the XML's source; a network disk
read_requests: `block.N.rd.reqs`; {_LIBVIRT}
read_bytes: `block.N.rd.bytes`; {_LIBVIRT}
read_us: `block.N.rd.times`; {_LIBVIRT}
write_requests: `block.N.wr.reqs`; {_LIBVIRT}
write_bytes: `block.N.wr.bytes`; {_LIBVIRT}
write_us: `block.N.wr.times`; {_LIBVIRT}
flush_requests: `block.N.fl.reqs`; {_LIBVIRT}
flush_us: `block.N.fl.times`; {_LIBVIRT}
errors: `block.N.errors`; the driver counts none (QEMU's does not)
allocation_bytes: ~ `block.N.allocation`; {_LIBVIRT}
capacity_bytes: ~ `block.N.capacity`; {_LIBVIRT}
physical_bytes: ~ `block.N.physical`; {_LIBVIRT}
limits: `iotune` in the XML; no limit is set
""",
    'DiskLimits': f"""
total_bytes_s: ~ `total_bytes_sec`; {_UNSET}
read_bytes_s: ~ `read_bytes_sec`; {_UNSET}
write_bytes_s: ~ `write_bytes_sec`; {_UNSET}
total_requests_s: ~ `total_iops_sec`; {_UNSET}
read_requests_s: ~ `read_iops_sec`; {_UNSET}
write_requests_s: ~ `write_iops_sec`; {_UNSET}
""",
    'Interface': f"""
name: libvirt's `net.N.name`, the host's device
rx_bytes: `net.N.rx.bytes`; {_LIBVIRT}
rx_packets: `net.N.rx.pkts`; {_LIBVIRT}
rx_errors: `net.N.rx.errs`; {_LIBVIRT}
rx_drops: `net.N.rx.drop`; {_LIBVIRT}
tx_bytes: `net.N.tx.bytes`; {_LIBVIRT}
tx_packets: `net.N.tx.pkts`; {_LIBVIRT}
tx_errors: `net.N.tx.errs`; {_LIBVIRT}
tx_drops: `net.N.tx.drop`; {_LIBVIRT}
""",
    'Job': """
kind: `type` of `virDomainGetJobStats`
operation: `operation`; libvirt does not say
elapsed_us: ~ `time_elapsed`; not told
total_bytes: ~ `data_total`; not told
processed_bytes: ~ `data_processed`; not told
remaining_bytes: ~ `data_remaining`; not told
dirty_rate_bytes_s: ~ `memory_dirty_rate` times the page's size; not told
transfer_rate_bytes_s: ~ `memory_bps`; not told
""",
    'Perf': """
events: libvirt's `perf.*`; none is switched on
cache_occupancy_bytes: ~ `llc_occupancy` of the domain's own monitoring
  groups; it has none, or the hardware cannot tell
memory_bandwidth_total_bytes: `mbm_total_bytes` of the same; as the cache
memory_bandwidth_local_bytes: `mbm_local_bytes` of the same; as the cache
""",
}
