# SPDX-License-Identifier: Apache-2.0
"""How fast the processor may run, how deep it sleeps, and what time it has."""

from kvm_insight.advise import check
from kvm_insight.advise.host import kvm
from kvm_insight.model import facts

_CPUS = '/sys/devices/system/cpu'
_CLOCK = '/sys/devices/system/clocksource/clocksource0'
_SOURCE = 'https://docs.kernel.org/admin-guide/pm/cpufreq.html'
_PSTATE = 'https://docs.kernel.org/admin-guide/pm/intel_pstate.html'
_IDLE = 'https://docs.kernel.org/admin-guide/pm/cpuidle.html'
_NOVA_POWER = (
    'The same on the compute host; nova.conf [libvirt]'
    ' cpu_power_management with cpu_power_management_strategy = governor sets'
    ' it for dedicated CPUs.'
)
#: Drivers whose ``powersave`` follows the load and can reach the top.
_ACTIVE = ('intel_pstate', 'amd-pstate-epp')
_FAST = ('performance', 'schedutil')
_DEEP_US = 100
#: Profiles of tuned that let CPUs into the first state alone.
_LIMITING = (
    'cpu-partitioning',
    'latency-performance',
    'network-latency',
    'realtime',
)
_CLOCKS = ('tsc', 'kvm-clock', 'arch_sys_counter', 'timebase', 'tod')
_GUESTS_CLOCKS = ('hyperv_clocksource_tsc_page', 'xen')
#: Flags of processors that regulate themselves -> driver that lets them, by
#: all names that it has (intel_cpufreq is intel_pstate when passive).
_OWN = {
    'hwp': ('intel_pstate', 'intel_cpufreq'),
    'cppc': ('amd-pstate', 'amd_pstate'),
}


def _counted(name: str, counts: dict[str, int]) -> check.Evidence:
    where = f'{_CPUS}/cpu*/cpufreq/{name}'
    words = ', '.join(f'{k}: {v} CPUs' for k, v in sorted(counts.items()))
    return ((where, words),)


def _missing(host: facts.HostFacts, name: str) -> check.Outcome:
    """Return the outcome where cpufreq has nothing to read."""
    if 'hypervisor' in (host.cpu_flags or ()):
        return check.NotConcerned('it is a guest: the outer host decides')
    return check.why_unknown(host, name)


def _governs(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.frequency_governors is None:
        return _missing(host, 'frequency_governors')
    if host.frequency_drivers is None:
        return check.why_unknown(host, 'frequency_drivers')
    evidence = (
        *_counted('scaling_governor', host.frequency_governors),
        *_counted('scaling_driver', host.frequency_drivers),
    )
    follows = set(host.frequency_drivers) <= set(_ACTIVE)
    slow = set(host.frequency_governors) - set(_FAST)
    if follows:
        slow -= {'powersave'}
    if not slow:
        return check.Good(evidence)
    names = ', '.join(sorted(slow))
    return check.Bad(evidence, f'the governor {names} holds the clock down')


def _drives(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.frequency_drivers is None:
        return _missing(host, 'frequency_drivers')
    if host.cpu_flags is None:
        return check.why_unknown(host, 'cpu_flags')
    flag = next((one for one in _OWN if one in host.cpu_flags), None)
    if flag is None:
        return check.NotConcerned('the processor does not regulate itself')
    evidence = (
        *_counted('scaling_driver', host.frequency_drivers),
        ('/proc/cpuinfo', flag),
    )
    if all(one.startswith(_OWN[flag]) for one in host.frequency_drivers):
        return check.Good(evidence)
    return check.Bad(evidence, f'{_OWN[flag][0]} could drive it, and does not')


def _prefers(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.energy_preferences is None:
        older = 'hwp_epp' not in (host.cpu_flags or ('hwp_epp',))
        is_intel = host.cpu_vendor == 'GenuineIntel'
        other = set(host.frequency_drivers or ()) - set(_ACTIVE)
        if other or (is_intel and older and host.frequency_drivers):
            return check.NotConcerned('the driver knows no preference')
        return _missing(host, 'energy_preferences')
    evidence = _counted(
        'energy_performance_preference', host.energy_preferences
    )
    saving = {'power', 'balance_power'} & set(host.energy_preferences)
    if not saving:
        return check.Good(evidence)
    return check.Bad(evidence, f'the preference is {", ".join(saving)}')


def _boosts(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.architecture is not None and not kvm.is_x86(host):
        return check.NotConcerned('boost is rare on this architecture')
    if host.turbo is None:
        return _missing(host, 'turbo')
    intel = not {'intel_pstate', 'intel_cpufreq'}.isdisjoint(
        host.frequency_drivers or ()
    )
    path = 'intel_pstate/no_turbo' if intel else 'cpufreq/boost'
    value = str(int(host.turbo != intel))
    evidence = ((f'{_CPUS}/{path}', value),)
    if host.turbo:
        return check.Good(evidence)
    return check.Bad(evidence, 'turbo (boost) is off')


def _wakes(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.idle_states is None:
        return check.why_unknown(host, 'idle_states')
    evidence = tuple(
        (
            f'{_CPUS}/cpu0/cpuidle: {one.name}',
            f'{one.latency_us} us{", disabled" if one.disabled else ""}',
        )
        for one in host.idle_states
    )
    if not evidence:
        return check.NotConcerned('the processor has no idle states')
    deep = [
        one.name
        for one in host.idle_states
        if not one.disabled and (one.latency_us or 0) > _DEEP_US
    ]
    if not deep:
        return check.Good(evidence)
    profile = host.tuned_profile or ''
    if profile.startswith(_LIMITING) and 'tuned' in (host.daemons or ()):
        limit = ('/etc/tuned/active_profile', profile)
        return check.Good((*evidence, limit))
    what = f'{", ".join(deep)} takes over {_DEEP_US} us to wake from'
    return check.Bad(evidence, what)


def _sleeps(case: check.HostCase) -> check.Outcome:
    """Judge whether CPUs may sleep at all."""
    host = case.host
    if host.kernel_words is None:
        return check.why_unknown(host, 'kernel_words')
    found = [word for word in host.kernel_words if word == 'idle=poll']
    if not found:
        return check.Good((('/proc/cmdline', 'no idle=poll'),))
    evidence = tuple(('/proc/cmdline', word) for word in found)
    return check.Bad(evidence, 'idle CPUs spin, and take power from busy ones')


def _tells_time(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.clocksource is None:
        return check.why_unknown(host, 'clocksource')
    evidence = (
        (f'{_CLOCK}/current_clocksource', host.clocksource),
        (
            f'{_CLOCK}/available_clocksource',
            ' '.join(host.clocksources or ()) or 'unknown',
        ),
    )
    if host.clocksource in _CLOCKS:
        return check.Good(evidence)
    if host.clocksource in _GUESTS_CLOCKS:
        return check.Good(evidence)
    what = f'{host.clocksource} is read over the bus, at each look at a clock'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='frequency.governor',
        subject='frequency',
        about='host',
        severity='medium',
        title='The frequency governor holds the clock down',
        reason="It raises the clock late or never, as a guest's short bursts"
        ' do not look like load to it.',
        libvirt='cpupower frequency-set -g performance, or the tuned profile'
        ' virtual-host to keep it.',
        nova=_NOVA_POWER,
        source=_SOURCE,
        unless='power is dearer than latency here; or Nova has it so for CPUs'
        ' that no instance has (cpu_power_management).',
        look=_governs,
    ),
    check.Check(
        id='frequency.driver',
        subject='frequency',
        about='host',
        severity='low',
        title='The processor could regulate its clock itself, and may not',
        reason='acpi-cpufreq knows a few steps and is slow; with intel_pstate'
        ' or amd-pstate the processor reacts within a millisecond.',
        libvirt='Take intel_pstate=disable off the command line; for AMD add'
        ' amd_pstate=active (Linux 6.3). It may want CPPC on in the firmware.',
        nova='The same on the compute host, emptied before.',
        source='https://docs.kernel.org/admin-guide/pm/amd-pstate.html',
        unless='a fixed clock is wanted, as for measurements.',
        look=_drives,
    ),
    check.Check(
        id='frequency.preference',
        subject='frequency',
        about='host',
        severity='medium',
        title='The processor is told to save energy',
        reason='It then stays at low clocks under the light and bursty load'
        ' that many guests make.',
        libvirt='cpupower set --epp performance, or the tuned profile'
        ' virtual-host to keep it.',
        nova='The same on the compute host.',
        source=_PSTATE,
        unless='power is dearer than latency here.',
        look=_prefers,
    ),
    check.Check(
        id='frequency.turbo',
        subject='frequency',
        about='host',
        severity='low',
        title='Turbo (boost) is off',
        reason='Guests never get the clock that the processor has while some'
        ' of its cores are idle.',
        libvirt='echo 0 > /sys/devices/system/cpu/intel_pstate/no_turbo, or'
        ' echo 1 > /sys/devices/system/cpu/cpufreq/boost; or the firmware.',
        nova='The same on the compute host.',
        source=_PSTATE,
        unless='even speed matters more than speed: real time, benchmarks.',
        look=_boosts,
    ),
    check.Check(
        id='frequency.deep-sleep',
        subject='frequency',
        about='host',
        severity='low',
        title='Idle CPUs sleep deeply',
        reason='A vCPU that wakes on such a CPU waits for it; so do network'
        ' packets and disk answers.',
        libvirt='tuned profile latency-performance, which sets a limit by'
        ' /dev/cpu_dma_latency (virtual-host still lets CPUs into the third'
        ' state); or cpupower idle-set -D 100.',
        nova='The same on the compute host, as for an aggregate with flavors'
        ' for low latency.',
        source=_IDLE,
        unless='power is dearer than some 100 us: deep sleep also gives busy'
        ' cores more turbo. A limit by /dev/cpu_dma_latency is not seen here.',
        look=_wakes,
    ),
    check.Check(
        id='frequency.polling',
        subject='frequency',
        about='host',
        severity='medium',
        title='Idle CPUs spin instead of sleeping',
        reason='With idle=poll no core ever gives its power to others (no'
        ' turbo), and a thread that spins slows its sibling down.',
        libvirt="Take idle=poll off the kernel's command line; limit the"
        ' depth of sleep instead (intel_idle.max_cstate=1, elsewhere'
        ' processor.max_cstate=1).',
        nova='The same on the compute host, emptied before.',
        source=_IDLE,
        unless='the last microsecond matters more than the rest.',
        look=_sleeps,
    ),
    check.Check(
        id='frequency.clocksource',
        subject='frequency',
        about='host',
        severity='high',
        title='The kernel has a slow clock',
        reason='hpet and acpi_pm take a microsecond or more for each look,'
        ' without vDSO; KVM gives its guests no kvm-clock that is stable.',
        libvirt='See in dmesg why tsc was given up; newer firmware, or'
        ' tsc=reliable where it is known to be good. echo tsc >'
        ' /sys/devices/system/clocksource/clocksource0/current_clocksource.',
        nova='The same on the compute host.',
        source='https://docs.kernel.org/virt/kvm/x86/timekeeping.html',
        unless='the TSC really drifts between sockets.',
        look=_tells_time,
    ),
)
