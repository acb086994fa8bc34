# SPDX-License-Identifier: Apache-2.0
"""Sample: raw counters of one host and its domains at one instant.

Counters only grow while their epoch stands; consumers derive rates from two
samples (``rates.between``). Times are microseconds, sizes are bytes, integers
stay below 2**53 so that every JSON reader keeps them. ``None`` means *not
measured*, never zero. A field is never renamed, retyped or reused: readers of
the last two minors must understand each record; a major only grows by optional
fields.
"""

from typing import Annotated, Literal

import msgspec

SCHEMA = 'kvm_insight.sample/1'
LIMIT = 2**53 - 1

#: A counter, a time or a size: what JavaScript and jq can still count.
Count = Annotated[int, msgspec.Meta(ge=0, le=LIMIT)]
Ratio = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Text = Annotated[str, msgspec.Meta(max_length=1024)]
#: Linux list format, for example ``0-3,8``.
CpuList = Annotated[str, msgspec.Meta(max_length=4096)]
Uuid = Annotated[
    str, msgspec.Meta(pattern=r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
]


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What all records share: frozen, and absent means ``None``."""


class Flavor(Wire, frozen=True, kw_only=True):
    """The flavor as the domain's metadata names it, at boot or resize."""

    name: Text | None = None
    flavor_id: Text | None = None
    vcpus: Count | None = None
    memory_bytes: Count | None = None
    disk_bytes: Count | None = None
    extra_specs: dict[str, str] = {}


class Identity(Wire, frozen=True, kw_only=True):
    """Whose domain this is, as far as the host itself can tell."""

    #: Where it comes from: Nova's metadata, the operator's mapping file,
    #: another application's metadata, or nowhere.
    source: Literal['nova', 'mapping', 'metadata', 'none'] = 'none'
    #: ``ok``, or why the metadata says less than it should.
    status: Literal['ok', 'partial', 'missing', 'broken', 'foreign'] = 'ok'
    instance_name: Text | None = None
    project_id: Text = 'unassigned'
    project_name: Text | None = None
    user_id: Text | None = None
    user_name: Text | None = None
    flavor: Flavor | None = None
    image_id: Text | None = None
    created_at: Text | None = None
    #: Version of the Nova package that wrote the metadata.
    nova_version: Text | None = None


class Vcpu(Wire, frozen=True, kw_only=True):
    """One vCPU's thread; a changed ``tid`` is a new epoch of its counters."""

    index: Count
    tid: Count | None = None
    run_us: Count | None = None
    run_delay_us: Count | None = None
    slices: Count | None = None
    #: The thread's state letter in ``/proc/<pid>/task/<tid>/stat``.
    state: Text | None = None
    affinity: CpuList | None = None
    last_cpu: Count | None = None
    #: Its own cgroup's throttled time (libvirt's ``vcpuN`` group).
    throttled_us: Count | None = None
    #: KVM's own counters; absent under TCG.
    exits: Count | None = None
    halt_poll_us: Count | None = None
    halt_wait_us: Count | None = None


class Threads(Wire, frozen=True, kw_only=True):
    """All threads of one kind but the vCPUs; threads that ended stay in.

    The agent adds up what ended threads had, so the sums only grow while the
    agent runs; a new ``agent_id`` is a new epoch.
    """

    kind: Literal['emulator', 'iothread', 'vhost']
    threads: Count
    run_us: Count | None = None
    run_delay_us: Count | None = None
    slices: Count | None = None


class CpuControl(Wire, frozen=True, kw_only=True):
    """The domain's CPU cgroup: quota, weight and throttling.

    ``quota_us`` is per ``period_us`` and for the whole domain; libvirt's
    ``vcpu_quota`` lives in the vCPU groups. ``None`` is no quota.
    """

    quota_us: Count | None = None
    period_us: Count | None = None
    vcpu_quota_us: Count | None = None
    vcpu_period_us: Count | None = None
    #: As in cgroup v2 (1 to 10000); v1 shares are converted.
    weight: Count | None = None
    periods: Count | None = None
    throttled_periods: Count | None = None
    #: Of the domain's own group; the vCPU groups' are in ``Vcpu``.
    throttled_us: Count | None = None


class Kvm(Wire, frozen=True, kw_only=True):
    """KVM's own counters of a domain, summed over its vCPUs (debugfs).

    Polling for the next interrupt counts as run time: take it off before
    calling a domain busy.
    """

    exits: Count | None = None
    halt_exits: Count | None = None
    #: Polled, and the interrupt came; polled in vain.
    halt_poll_success_us: Count | None = None
    halt_poll_fail_us: Count | None = None
    halt_wait_us: Count | None = None


class Pressure(Wire, frozen=True, kw_only=True):
    """Pressure stall totals (``total=`` of a PSI file)."""

    cpu_some_us: Count | None = None
    cpu_full_us: Count | None = None
    memory_some_us: Count | None = None
    memory_full_us: Count | None = None
    io_some_us: Count | None = None
    io_full_us: Count | None = None
    irq_full_us: Count | None = None


class Memory(Wire, frozen=True, kw_only=True):
    """Memory of a domain, from libvirt's balloon and from its cgroup."""

    #: What the balloon is set to now, and the most it may be.
    balloon_bytes: Count | None = None
    maximum_bytes: Count | None = None
    #: The guest's own words; old when the balloon driver is silent.
    unused_bytes: Count | None = None
    available_bytes: Count | None = None
    usable_bytes: Count | None = None
    disk_caches_bytes: Count | None = None
    swap_in_bytes: Count | None = None
    swap_out_bytes: Count | None = None
    major_faults: Count | None = None
    minor_faults: Count | None = None
    guest_hugepage_allocations: Count | None = None
    guest_hugepage_failures: Count | None = None
    #: Of the last calculation that somebody asked libvirt for.
    dirty_rate_bytes_s: Count | None = None
    #: How old that is at the sample's time; None where nobody knows, and
    #: then it may be of any age.
    dirty_rate_age_us: Count | None = None
    #: Age of the guest's words at the sample's time.
    balloon_age_us: Count | None = None
    #: The host's side.
    rss_bytes: Count | None = None
    cgroup_bytes: Count | None = None
    swap_bytes: Count | None = None
    oom_kills: Count | None = None
    host_major_faults: Count | None = None
    host_minor_faults: Count | None = None
    ksm_shared_bytes: Count | None = None
    #: NUMA node -> bytes that lie there.
    numa_bytes: dict[str, Count] | None = None
    #: Page size in KiB -> bytes of that size in use.
    hugepage_bytes: dict[str, Count] | None = None


class DiskLimits(Wire, frozen=True, kw_only=True):
    """libvirt's iotune for one disk; 0 is stored as absent (no limit)."""

    total_bytes_s: Count | None = None
    read_bytes_s: Count | None = None
    write_bytes_s: Count | None = None
    total_requests_s: Count | None = None
    read_requests_s: Count | None = None
    write_requests_s: Count | None = None


class Disk(Wire, frozen=True, kw_only=True):
    """One block device of a domain, in the guest's name for it."""

    name: Text
    path: Text | None = None
    read_requests: Count | None = None
    read_bytes: Count | None = None
    read_us: Count | None = None
    write_requests: Count | None = None
    write_bytes: Count | None = None
    write_us: Count | None = None
    flush_requests: Count | None = None
    flush_us: Count | None = None
    errors: Count | None = None
    allocation_bytes: Count | None = None
    capacity_bytes: Count | None = None
    physical_bytes: Count | None = None
    limits: DiskLimits | None = None


class Interface(Wire, frozen=True, kw_only=True):
    """One network interface of a domain, in the host's name, as the guest
    sees the directions."""

    name: Text
    rx_bytes: Count | None = None
    rx_packets: Count | None = None
    rx_errors: Count | None = None
    rx_drops: Count | None = None
    tx_bytes: Count | None = None
    tx_packets: Count | None = None
    tx_errors: Count | None = None
    tx_drops: Count | None = None


class Job(Wire, frozen=True, kw_only=True):
    """A job that runs on the domain, a live migration as a rule."""

    kind: Text
    operation: Text | None = None
    elapsed_us: Count | None = None
    total_bytes: Count | None = None
    processed_bytes: Count | None = None
    remaining_bytes: Count | None = None
    dirty_rate_bytes_s: Count | None = None
    transfer_rate_bytes_s: Count | None = None


class Perf(Wire, frozen=True, kw_only=True):
    """libvirt's perf events and resctrl monitors, where they are on."""

    events: dict[str, Count] = {}
    cache_occupancy_bytes: Count | None = None
    memory_bandwidth_total_bytes: Count | None = None
    memory_bandwidth_local_bytes: Count | None = None


class Domain(Wire, frozen=True, kw_only=True):
    """One libvirt domain; its UUID is Nova's instance UUID."""

    uuid: Uuid
    name: Text
    #: Changes when the QEMU process is another one: ``pid.starttime``.
    epoch: Text
    state: Literal[
        'running',
        'blocked',
        'paused',
        'shutdown',
        'shutoff',
        'crashed',
        'pmsuspended',
        'unknown',
    ] = 'unknown'
    state_reason: Text | None = None
    identity: Identity = Identity()
    #: Age at the sample's time of what only libvirt knows (memory from the
    #: balloon, disks, interfaces, job); None where it never answered.
    libvirt_age_us: Count | None = None
    vcpus: list[Vcpu] = []
    vcpus_maximum: Count | None = None
    threads: list[Threads] = []
    #: Where the process may run at all.
    affinity: CpuList | None = None
    cpu: CpuControl | None = None
    #: Absent under TCG and without debugfs.
    kvm: Kvm | None = None
    pressure: Pressure | None = None
    memory: Memory | None = None
    disks: list[Disk] | None = None
    interfaces: list[Interface] | None = None
    job: Job | None = None
    perf: Perf | None = None


class HostDisk(Wire, frozen=True, kw_only=True):
    """A block device of the host (``/proc/diskstats``)."""

    name: Text
    read_requests: Count
    read_bytes: Count
    read_us: Count
    write_requests: Count
    write_bytes: Count
    write_us: Count
    in_flight: Count
    busy_us: Count


class Nic(Wire, frozen=True, kw_only=True):
    """A network device of the host (``/sys/class/net``), no taps."""

    name: Text
    rx_bytes: Count
    rx_packets: Count
    rx_errors: Count
    rx_drops: Count
    tx_bytes: Count
    tx_packets: Count
    tx_errors: Count
    tx_drops: Count
    speed_bits_s: Count | None = None


class Service(Wire, frozen=True, kw_only=True):
    """A busy process group of the host that is no domain."""

    #: systemd's unit where there is one, else the command's name.
    name: Text
    run_us: Count
    threads: Count


class System(Wire, frozen=True, kw_only=True):
    """The host itself."""

    #: CPUs that are online, in list format.
    cpus: CpuList
    #: Time by mode over all CPUs (``/proc/stat``), guest time taken out of
    #: user and nice.
    user_us: Count | None = None
    nice_us: Count | None = None
    system_us: Count | None = None
    idle_us: Count | None = None
    iowait_us: Count | None = None
    irq_us: Count | None = None
    softirq_us: Count | None = None
    #: Time that a hypervisor below this host kept from it.
    steal_us: Count | None = None
    guest_us: Count | None = None
    load1: float | None = None
    frequency_khz: Count | None = None
    pressure: Pressure | None = None
    memory_bytes: Count | None = None
    memory_available_bytes: Count | None = None
    swap_bytes: Count | None = None
    swap_free_bytes: Count | None = None
    swap_in_pages: Count | None = None
    swap_out_pages: Count | None = None
    major_faults: Count | None = None
    oom_kills: Count | None = None
    numa_free_bytes: dict[str, Count] | None = None
    #: ``node/size KiB`` -> pages, for example ``0/2048``.
    hugepages: dict[str, Count] | None = None
    hugepages_free: dict[str, Count] | None = None
    ksm_pages_shared: Count | None = None
    ksm_pages_sharing: Count | None = None
    disks: list[HostDisk] | None = None
    nics: list[Nic] | None = None
    services: list[Service] | None = None


class Row(Wire, frozen=True, kw_only=True):
    """What one domain waited in the interval, and for whom.

    ``charges``: entity -> µs that the victim's threads sat runnable while it
    ran there. Entities are ``domain:<uuid>`` (its own among them),
    ``service:<name>``, ``host``, ``idle``, ``quota``, ``unattributed``.
    """

    victim: Uuid
    charges: dict[str, Count]
    confidence: Ratio


class Ledger(Wire, frozen=True, kw_only=True):
    """The contention ledger of one interval; rows are deltas, not counters,
    since entities vanish."""

    source: Literal['ebpf', 'sampled']
    interval_us: Count
    rows: list[Row]
    #: Why an exact ledger is not to be had, when it is not.
    reason: Text | None = None
    #: The collector's own account of itself, cumulative.
    missed_switches: Count | None = None
    overruns: Count | None = None
    untracked_threads: Count | None = None
    #: Sum of the rows over the growth of run delay; 1 is perfect.
    completeness: float | None = None


class Collector(Wire, frozen=True, kw_only=True):
    """How one collector fared in this interval."""

    name: Text
    duration_us: Count
    success: bool
    error: Text | None = None


class Agent(Wire, frozen=True, kw_only=True):
    """The agent about itself."""

    version: Text
    #: Records that the spool had to drop since the agent started.
    dropped: Count = 0
    spooled: Count | None = None
    #: Domains without usable metadata, by status.
    identity_failures: dict[str, Count] = {}
    ticks: Count | None = None
    cpu_us: Count | None = None
    rss_bytes: Count | None = None
    collectors: list[Collector] = []


class Sample(Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA):
    """One host at one instant; the unit of everything that follows."""

    #: ``region/host`` as Nova's ``host`` has it, or the plain host name.
    host: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    hypervisor_hostname: Text | None = None
    #: Nova's ``compute_id``: the resource provider's UUID.
    compute_id: Text | None = None
    boot_id: Text
    #: A new one at each start of the agent; with ``sequence`` the identity
    #: of this record, by which duplicates are dropped.
    agent_id: Text
    sequence: Count
    #: Since 1970, and since the host booted: the first may jump.
    time_us: Count
    uptime_us: Count
    #: Since the sample before of this agent; None in the first.
    interval_us: Count | None = None
    #: What this host cannot tell -> why.
    missing: dict[str, Text] = {}
    agent: Agent
    system: System
    domains: list[Domain] = []
    ledger: Ledger | None = None
