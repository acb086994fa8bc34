# SPDX-License-Identifier: Apache-2.0
"""Pinned vCPUs: who else may run on their CPUs."""

import collections

from kvm_insight.advise import check
from kvm_insight.advise.domain import placing, question
from kvm_insight.model import cpulist

_PIN = 'cputune/vcpupin'
_SIBLINGS = '/sys/devices/system/cpu/cpu*/topology/thread_siblings_list'
_EMULATOR = 'cputune/emulatorpin/@cpuset'
_TUNING = 'https://libvirt.org/formatdomain.html#cpu-tuning'
_NOVA = 'https://docs.openstack.org/nova/latest/admin/cpu-topologies.html'


def _pins(case: check.DomainCase) -> check.Evidence:
    own = placing.dedicated(case.domain)
    words = ', '.join(f'{vcpu} on {cpu}' for vcpu, cpu in own.items())
    return ((_PIN, words or 'none to one CPU'),)


def _online(case: check.DomainCase) -> placing.Cpus | None:
    return placing.parsed(case.host.cpus_online)


def _is_isolated(case: check.DomainCase, cpu: int) -> bool:
    return cpu in (placing.parsed(case.host.cpus_isolated) or ())


_NONE = check.NotConcerned('none of its vCPUs has a CPU of its own')


@question.reads('pins')
def _has_each_its_own(case: check.DomainCase) -> check.Outcome:
    own = placing.dedicated(case.domain)
    if not own:
        return _NONE
    twice = [
        cpu for cpu, n in collections.Counter(own.values()).items() if n > 1
    ]
    if not twice:
        return check.Good(_pins(case))
    what = f'several of its vCPUs share CPU {twice[0]}'
    return check.Bad(_pins(case), what)


@question.reads('pins')
def _is_alone(case: check.DomainCase) -> check.Outcome:
    own = set(placing.dedicated(case.domain).values())
    if not own:
        return _NONE
    others = [x for x in case.domains if x.uuid != case.domain.uuid]
    unread = [
        x.name for x in others if 'xml' in x.unknown or 'pins' in x.unknown
    ]
    clashes = [
        (x.name, sorted(own & set(placing.dedicated(x).values())))
        for x in others
    ]
    clashing = [(name, cpus) for name, cpus in clashes if cpus]
    evidence = (
        *_pins(case),
        ('vcpupin of other domains', f'{len(others)} looked at'),
    )
    if clashing:
        name, cpus = clashing[0]
        what = f'CPU {cpus[0]} belongs to {name}, too'
        return check.Bad(evidence, what)
    if unread:
        return check.CannotTell(f'the XML of {unread[0]} cannot be read')
    return check.Good(evidence)


@question.reads('pins')
def _is_undisturbed(case: check.DomainCase) -> check.Outcome:
    own = set(placing.dedicated(case.domain).values())
    if not own:
        return _NONE
    online = _online(case)
    if online is None:
        return check.why_unknown(case.host, 'cpus_online')
    guests, unread = [], []
    for one in case.domains:
        if one.uuid == case.domain.uuid:
            continue
        if {'xml', 'pins', 'cpuset'} & set(one.unknown):
            unread.append(one.name)
            continue
        # Where the kernel isolates CPUs nobody floats onto them by himself.
        floating = placing.allowed(one, online) - set(
            placing.dedicated(one).values()
        )
        free = {x for x in own if not _is_isolated(case, x)}
        if free & floating or (own & floating and one.cpuset):
            guests.append(one.name)
    evidence = (
        *_pins(case),
        ('vcpu/@cpuset of other domains', ', '.join(guests) or 'elsewhere'),
    )
    if guests:
        what = f'vCPUs of {len(guests)} other domains may run there, too'
        return check.Bad(evidence, what)
    if unread:
        return check.CannotTell(f'the XML of {unread[0]} cannot be read')
    return check.Good(evidence)


@question.reads('pins', 'emulator_pin', 'cpuset')
def _emulator_is_apart(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    own = set(placing.dedicated(domain).values())
    if not own:
        return _NONE
    online = _online(case)
    if online is None:
        return check.why_unknown(case.host, 'cpus_online')
    where = placing.emulator(domain, online)
    evidence = (
        *_pins(case),
        (_EMULATOR, question.word(domain.emulator_pin)),
        ('vcpu/@cpuset', question.word(domain.cpuset)),
    )
    if where - own:
        # Linux moves a thread that waits to a CPU of its list that is free.
        return check.Good(evidence)
    what = "QEMU's own threads run on CPUs of its vCPUs alone"
    return check.Bad(evidence, what)


@question.reads('pins')
def _has_whole_cores(case: check.DomainCase) -> check.Outcome:
    own = set(placing.dedicated(case.domain).values())
    if not own:
        return _NONE
    cores = placing.cores(case.host)
    if cores is None:
        return check.why_unknown(case.host, 'cores')
    beside = frozenset().union(*(x - own for x in cores if x & own))
    others = [x for x in case.domains if x.uuid != case.domain.uuid]
    evidence = (
        *_pins(case),
        (_SIBLINGS, cpulist.render(beside) or 'none but its own'),
    )
    for one in others:
        shared = beside & set(placing.dedicated(one).values())
        if shared:
            what = f'CPU {min(shared)} of the same core belongs to {one.name}'
            return check.Bad(evidence, what)
    unread = [
        x.name for x in others if 'xml' in x.unknown or 'pins' in x.unknown
    ]
    if unread and beside:
        return check.CannotTell(f'the XML of {unread[0]} cannot be read')
    return check.Good(evidence)


@question.needs('vcpus_current')
@question.reads('pins')
def _is_whole(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    own = placing.dedicated(domain)
    if not own:
        return _NONE
    # Nova's mixed policy makes some dedicated on purpose.
    policy = (domain.extra_specs or {}).get('hw:cpu_policy')
    evidence = (*_pins(case), ('vcpu', str(domain.vcpus_current)))
    if len(own) >= (domain.vcpus_current or 0):
        return check.Good(evidence)
    if policy == 'mixed':
        return check.NotConcerned('hw:cpu_policy=mixed asks for it')
    what = f'{len(own)} of {domain.vcpus_current} vCPUs are pinned'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='pinning.doubled',
        subject='pinning',
        about='domain',
        severity='high',
        title='Two of its vCPUs are pinned to one CPU',
        reason='They can never run at once: one always waits for the other,'
        ' and a lock that one holds stops both.',
        libvirt='virsh vcpupin DOMAIN VCPU CPU --live --config, one CPU for'
        ' each.',
        nova='Flavor hw:cpu_policy=dedicated, by which Nova gives each vCPU'
        ' one of nova.conf [compute] cpu_dedicated_set; nothing set by hand.',
        source=_TUNING,
        unless='the guest is to see more CPUs than it may use, as in tests.',
        look=_has_each_its_own,
    ),
    check.Check(
        id='pinning.conflict',
        subject='pinning',
        about='domain',
        severity='high',
        title='Two domains are pinned to the same CPU',
        reason='Both wait for each other there, however many CPUs are idle:'
        ' the scheduler may not move either.',
        libvirt='virsh vcpupin DOMAIN VCPU CPU --live --config for one of'
        ' them.',
        nova='Flavor hw:cpu_policy=dedicated for both, nothing by hand;'
        ' Placement (PCPU) then never gives a CPU out twice. Migrate one'
        ' away.',
        source=_TUNING,
        unless='they are never busy at once, by their schedules.',
        look=_is_alone,
        private=True,
    ),
    check.Check(
        id='pinning.intruded',
        subject='pinning',
        about='domain',
        severity='medium',
        title='Floating domains may run on its dedicated CPUs',
        reason='It cannot give way to another CPU when a floating guest comes'
        ' by; the guest could go elsewhere.',
        libvirt="<vcpu cpuset='THE OTHERS'> for each floating domain (virsh"
        ' vcpupin at once), or isolcpus/cpusets for the dedicated CPUs.',
        nova='nova.conf [compute] cpu_dedicated_set and cpu_shared_set that'
        ' have no CPU in common; then a hard reboot of floating instances.',
        source=_NOVA,
        unless='the others are idle by nature, and latency does not matter.',
        look=_is_undisturbed,
        private=True,
    ),
    check.Check(
        id='pinning.shared-core',
        subject='pinning',
        about='domain',
        severity='medium',
        title='Another domain is pinned to the other thread of its core',
        reason='Both have a CPU of their own, and share one core: each is'
        ' slower while both are busy, and sees no steal at all.',
        libvirt='virsh vcpupin DOMAIN VCPU CPU --live --config, so that'
        ' threads of one core (lscpu -e) belong to one domain.',
        nova='Flavor hw:cpu_thread_policy=require (whole cores, an even'
        ' number of vCPUs) or =isolate (the other thread stays idle); then'
        ' resize.',
        source=_NOVA,
        unless='SMT is counted on for density, and both are of one owner.',
        look=_has_whole_cores,
        private=True,
    ),
    check.Check(
        id='pinning.emulator',
        subject='pinning',
        about='domain',
        severity='medium',
        title="QEMU's own threads take time from dedicated vCPUs",
        reason='Disks, timers, displays and migration are worked on by them,'
        ' and each time a vCPU is stopped that nothing else may stop.',
        libvirt="<emulatorpin cpuset='OTHER CPUS'/> within <cputune> (virsh"
        ' emulatorpin DOMAIN CPUS --live --config).',
        nova='Flavor hw:emulator_threads_policy=share with nova.conf'
        ' [compute] cpu_shared_set, or =isolate for a CPU of their own; then'
        ' resize.',
        source=question.EXTRA_SPECS,
        unless='CPUs are too dear for it, and short stops do no harm.',
        look=_emulator_is_apart,
    ),
    check.Check(
        id='pinning.partial',
        subject='pinning',
        about='domain',
        severity='low',
        title='Some of its vCPUs are pinned, and others float',
        reason='The guest takes its CPUs for equal; its slowest one holds'
        ' locks and barriers up for all.',
        libvirt='virsh vcpupin DOMAIN VCPU CPU --live --config for the rest,'
        ' or for none.',
        nova='Flavor hw:cpu_policy=dedicated (or shared) for all;'
        ' hw:cpu_policy=mixed with hw:cpu_dedicated_mask where it is meant.',
        source=_NOVA,
        unless='the guest knows which are which and places its work by it.',
        look=_is_whole,
    ),
)
