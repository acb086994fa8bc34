# SPDX-License-Identifier: Apache-2.0
"""Facts: how a host and its domains are configured, for checks to judge.

Only what was read, in the words of who says it (kernel, libvirt, Nova): no
judgement, and nothing secret. A field that could not be read is None, and
``unknown`` has its name with the reason: ``no permission``, ``no such file``,
``not understood: TEXT``. Empty is not None: an empty list was read. Above
each field stands from where it is; paths are below the host's root.
"""

from kvm_insight.model import part, sample


class HostFacts(sample.Wire, frozen=True, kw_only=True):
    """How one host is configured."""

    #: Field -> why it is None.
    unknown: part.Values = {}

    # The processor: proc/cpuinfo, sys/devices/system/cpu.
    #: ``x86_64``, ``aarch64``: proc/sys/kernel/arch, else cpuinfo's form.
    architecture: sample.Text | None = None
    #: ``GenuineIntel``, ``AuthenticAMD``; on Arm the implementer, ``0x41``.
    cpu_vendor: sample.Text | None = None
    cpu_model: sample.Text | None = None
    #: ``flags`` and ``vmx flags``; ``Features`` on Arm.
    cpu_flags: part.Words | None = None
    #: The revision; the first CPU's.
    microcode: sample.Text | None = None
    cpus_online: sample.CpuList | None = None
    cpus_isolated: sample.CpuList | None = None
    #: ``on``, ``off``, ``forceoff``, ``notsupported``: smt/control.
    smt_control: sample.Text | None = None
    smt_active: bool | None = None
    #: CPUs that are threads of one core; empty without SMT:
    #: cpu*/topology/thread_siblings_list.
    cores: list[sample.CpuList] | None = None
    #: File in cpu/vulnerabilities -> what the kernel says.
    vulnerabilities: part.Values | None = None
    #: Governor, driver, preference -> number of CPUs: cpu*/cpufreq.
    frequency_governors: part.Counts | None = None
    frequency_drivers: part.Counts | None = None
    energy_preferences: part.Counts | None = None
    #: intel_pstate/no_turbo, cpufreq/boost.
    turbo: bool | None = None
    idle_driver: sample.Text | None = None
    idle_governor: sample.Text | None = None
    idle_states: list[part.IdleState] | None = None
    clocksource: sample.Text | None = None
    clocksources: part.Words | None = None

    # KVM: dev, sys/module.
    #: Names in sys/module of those that matter here; others are left out.
    modules: part.Words | None = None
    #: ``kvm_intel.ept`` -> ``Y``: sys/module/*/parameters.
    kvm_parameters: part.Values | None = None
    kvm_device: part.Access | None = None
    vhost_net_device: part.Access | None = None
    #: sys/class/iommu, and type -> number of sys/kernel/iommu_groups.
    iommus: part.Words | None = None
    iommu_groups: part.Counts | None = None

    # The kernel.
    kernel_release: sample.Text | None = None
    #: Only the words of proc/cmdline that some check knows.
    kernel_words: part.Words | None = None
    #: Option -> value, of those that a check knows: boot/config-RELEASE.
    kernel_options: part.Values | None = None
    #: ``v2``, ``hybrid``, ``v1``; the controllers of v2's root.
    cgroup_version: sample.Text | None = None
    cgroup_controllers: part.Words | None = None
    has_pressure: bool | None = None
    #: Whether proc/self/schedstat is there; sysctl kernel.sched_schedstats.
    has_schedstat: bool | None = None
    sched_schedstats: bool | None = None
    numa_balancing: sample.Count | None = None
    uptime_us: sample.Count | None = None
    #: sys/class/dmi/id: the maker, and what he calls it.
    machine_vendor: sample.Text | None = None
    machine_product: sample.Text | None = None

    # Memory: proc/meminfo, proc/vmstat, proc/sys/vm, sys/kernel/mm.
    memory_bytes: sample.Count | None = None
    memory_available_bytes: sample.Count | None = None
    nodes: list[part.Node] | None = None
    #: ``always``, ``madvise``, ``never``.
    thp_enabled: sample.Text | None = None
    thp_defrag: sample.Text | None = None
    hugepages: list[part.HugePages] | None = None
    #: Pages promised to mappings and not touched yet; KiB -> pages.
    hugepages_reserved: part.Counts | None = None
    #: Free memory that lies in blocks of at least 2 MiB: proc/buddyinfo.
    free_in_blocks_bytes: sample.Count | None = None
    free_bytes: sample.Count | None = None
    ksm_run: sample.Count | None = None
    ksm_pages_shared: sample.Count | None = None
    ksm_pages_sharing: sample.Count | None = None
    ksm_merge_across_nodes: bool | None = None
    #: CPU time of the thread ksmd since boot.
    ksm_cpu_us: sample.Count | None = None
    swap_bytes: sample.Count | None = None
    swap_free_bytes: sample.Count | None = None
    #: Pages since boot.
    swap_in_pages: sample.Count | None = None
    swap_out_pages: sample.Count | None = None
    swappiness: sample.Count | None = None
    overcommit_memory: sample.Count | None = None

    # Disks, network.
    disks: list[part.Disk] | None = None
    nics: list[part.Nic] | None = None

    # Services: proc/*/comm, etc.
    #: Those that run, of those that a check knows.
    daemons: part.Words | None = None
    tuned_profile: sample.Text | None = None
    #: Option -> value of those that a check knows, never another one:
    #: etc/nova/nova.conf (``libvirt.cpu_mode``), etc/libvirt/qemu.conf.
    nova_options: part.Values | None = None
    qemu_options: part.Values | None = None

    # libvirt: its capabilities.
    #: As 9000000 for 9.0.0.
    qemu_version: sample.Count | None = None
    libvirt_version: sample.Count | None = None
    #: Kinds of domain for the host's own architecture: ``kvm``, ``qemu``.
    domain_kinds: part.Words | None = None
    #: Machine types for it, in full.
    machine_types: part.Words | None = None
    #: libvirt's name for the host's CPU, and what that has beyond.
    host_model: sample.Text | None = None
    host_model_features: part.Words | None = None
    #: As whom QEMU runs under KVM: host/secmodel, and etc/group.
    qemu_uid: sample.Count | None = None
    qemu_gid: sample.Count | None = None
    qemu_groups: list[sample.Count] | None = None


class DomainFacts(sample.Wire, frozen=True, kw_only=True):
    """How one domain is configured: its live XML, and where it lies.

    None without a reason in ``unknown`` is an element that is not there.
    """

    uuid: sample.Uuid
    name: sample.Text
    #: Field -> why it is None, or what of it (a list) is not understood;
    #: ``xml`` where nothing could be read at all.
    unknown: part.Values = {}
    #: ``kvm``, ``qemu`` (TCG): ``domain/@type``.
    kind: sample.Text | None = None
    #: ``os/type``: ``@arch``, ``@machine``; ``os/loader`` or ``@firmware``.
    architecture: sample.Text | None = None
    machine: sample.Text | None = None
    firmware: sample.Text | None = None
    #: libosinfo's id of the system in it, from the metadata.
    system: sample.Text | None = None
    #: Nova's flavor and image properties, where the metadata has them.
    extra_specs: part.Values | None = None
    image_properties: part.Values | None = None

    # ``vcpu``, ``cpu``.
    vcpus: sample.Count | None = None
    #: ``vcpu/@current``; the rest can be plugged.
    vcpus_current: sample.Count | None = None
    cpu_mode: sample.Text | None = None
    cpu_match: sample.Text | None = None
    cpu_check: sample.Text | None = None
    cpu_model: sample.Text | None = None
    cpu_migratable: sample.Text | None = None
    #: ``cpu/feature``: name -> policy.
    cpu_features: part.Values = {}
    #: ``cpu/cache/@mode``.
    cpu_cache: sample.Text | None = None
    #: ``sockets``, ``dies``, ``cores``, ``threads``: ``cpu/topology``.
    topology: part.Counts | None = None
    cells: list[part.Cell] = []

    # ``vcpu/@cpuset``, ``cputune``, ``numatune``, ``iothreads``.
    placement: sample.Text | None = None
    cpuset: sample.CpuList | None = None
    #: vCPU -> CPUs of the host.
    pins: dict[sample.Text, sample.CpuList] = {}
    emulator_pin: sample.CpuList | None = None
    iothread_pins: dict[sample.Text, sample.CpuList] = {}
    #: ``shares``, ``period``, ``quota``, ``emulator_quota``, ...; a quota
    #: without a limit (-1) is left out.
    cpu_tuning: part.Counts = {}
    #: vCPUs with a real-time scheduler: ``cputune/vcpusched``.
    realtime_vcpus: sample.CpuList | None = None
    iothreads: sample.Count | None = None
    numa_mode: sample.Text | None = None
    numa_nodes: sample.CpuList | None = None

    # ``memory``, ``memoryBacking``.
    #: At most, without what can be plugged; what it has by the balloon.
    memory_bytes: sample.Count | None = None
    current_memory_bytes: sample.Count | None = None
    #: Sizes that are asked for, 0 for the host's own; None without any.
    hugepages_kib: list[sample.Count] | None = None
    memory_locked: bool = False
    memory_access: sample.Text | None = None
    memory_source: sample.Text | None = None
    #: Node of the host -> bytes, as its memory really lies.
    node_bytes: part.Counts | None = None

    # ``features``, ``clock``.
    #: Enlightenment -> state: ``features/hyperv/*``; None without any.
    hyperv: part.Values | None = None
    #: Children of ``features`` -> their state, as ``pmu`` -> ``off``.
    features: part.Values = {}
    #: ``clock/@offset``.
    clock: sample.Text | None = None
    timers: list[part.Timer] = []

    # ``devices``.
    disks: list[part.DomainDisk] = []
    nics: list[part.DomainNic] = []
    controllers: list[part.Controller] = []
    #: Backend models, as ``random``.
    rngs: part.Words = []
    balloon: sample.Text | None = None
    #: ``memballoon/stats/@period``.
    balloon_period_s: sample.Count | None = None
    #: ``memballoon``: ``@autodeflate``, ``@freePageReporting``.
    balloon_options: part.Values = {}
    #: ``connected``, ``disconnected``; empty where libvirt does not say;
    #: None without its channel.
    guest_agent: sample.Text | None = None
    #: Models: ``video``; and types with buses, as ``tablet usb``.
    videos: part.Words = []
    inputs: part.Words = []
    #: Devices of the host that it has: ``hostdev`` and interfaces so.
    host_devices: sample.Count = 0
    #: ``launchSecurity/@type``.
    security: sample.Text | None = None
    #: Whether it has words of its own on QEMU's command line.
    has_own_words: bool = False


class Use(sample.Wire, frozen=True, kw_only=True):
    """What was measured of one domain; ratios are of its limit or need."""

    #: Over how long, and in how many samples.
    span_s: sample.Count
    samples: sample.Count
    cpu_mean_cores: float | None = None
    cpu_p99_cores: float | None = None
    #: Of the time that it wanted to run, what its quota took.
    quota_wait_ratio: sample.Ratio | None = None
    #: Of the samples, in how many a disk was at its limit: disk -> ratio.
    disk_limited_ratio: dict[sample.Text, sample.Ratio] = {}
    #: What the balloon leaves it, and what of that it does not use.
    balloon_bytes: sample.Count | None = None
    unused_bytes: sample.Count | None = None
    swap_in_bytes_s: float | None = None
    memory_wait_ratio: sample.Ratio | None = None
