# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of clock, sleep and time."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

CPU = 'sys/devices/system/cpu'
CLOCK = 'sys/devices/system/clocksource/clocksource0/current_clocksource'
GOVERNOR = f'{CPU}/cpu3/cpufreq/scaling_governor'
DRIVER = f'{CPU}/cpu3/cpufreq/scaling_driver'
EPP = f'{CPU}/cpu3/cpufreq/energy_performance_preference'
ACPI = {
    f'{CPU}/cpu{n}/cpufreq/scaling_driver': 'acpi-cpufreq' for n in range(8)
}
PASSIVE = dict.fromkeys(ACPI, 'intel_cpufreq')
SAVES = {
    f'{CPU}/cpu{n}/cpufreq/scaling_governor': 'powersave' for n in range(8)
}
LPI = f'{CPU}/cpu0/cpuidle/state1/disable'
INFO = {'proc/cpuinfo': None}


def none(field: str) -> dict[str, object]:
    return {field: None, 'unknown': {field: 'no such file: x'}}


ROWS = (
    HostRow('frequency.governor', GOOD),
    HostRow('frequency.governor', GOOD, 'arm'),
    HostRow('frequency.governor', GOOD, files=SAVES),
    HostRow('frequency.governor', BAD, files={**SAVES, **ACPI}),
    HostRow('frequency.governor', BAD, files={**SAVES, **PASSIVE}),
    HostRow('frequency.governor', BAD, files={GOVERNOR: 'ondemand'}),
    HostRow(
        'frequency.governor', CANNOT_TELL, known=none('frequency_governors')
    ),
    HostRow('frequency.governor', NOT_CONCERNED, 'nested'),
    HostRow('frequency.driver', GOOD, 'amd'),
    HostRow('frequency.driver', BAD, 'amd', ACPI, says='amd-pstate'),
    HostRow('frequency.driver', BAD, files=ACPI, says='intel_pstate'),
    HostRow('frequency.driver', GOOD, files=PASSIVE),
    HostRow('frequency.driver', CANNOT_TELL, files=INFO),
    HostRow('frequency.driver', NOT_CONCERNED, 'arm'),
    HostRow('frequency.preference', GOOD, 'amd'),
    HostRow('frequency.preference', BAD, files={EPP: 'balance_power'}),
    HostRow(
        'frequency.preference',
        CANNOT_TELL,
        known=none('energy_preferences'),
        says='no such file',
    ),
    HostRow('frequency.preference', NOT_CONCERNED, 'arm'),
    HostRow('frequency.turbo', GOOD),
    HostRow('frequency.turbo', GOOD, 'amd'),
    HostRow(
        'frequency.turbo', BAD, files={f'{CPU}/intel_pstate/no_turbo': '1'}
    ),
    HostRow('frequency.turbo', BAD, 'amd', {f'{CPU}/cpufreq/boost': '0'}),
    HostRow(
        'frequency.turbo', CANNOT_TELL, 'amd', {f'{CPU}/cpufreq/boost': '?'}
    ),
    HostRow('frequency.turbo', NOT_CONCERNED, 'arm'),
    HostRow('frequency.deep-sleep', GOOD),
    HostRow('frequency.deep-sleep', GOOD, 'nested'),
    HostRow(
        'frequency.deep-sleep',
        BAD,
        files={f'{CPU}/cpu0/cpuidle/state3/disable': '0'},
        says='C6',
    ),
    HostRow(
        'frequency.deep-sleep',
        GOOD,
        files={
            f'{CPU}/cpu0/cpuidle/state3/disable': '0',
            'etc/tuned/active_profile': 'latency-performance',
        },
    ),
    HostRow('frequency.deep-sleep', BAD, 'arm', {LPI: '0'}, says='LPI-1'),
    HostRow('frequency.deep-sleep', CANNOT_TELL, known=none('idle_states')),
    HostRow('frequency.polling', GOOD),
    HostRow('frequency.polling', BAD, files={'proc/cmdline': 'ro idle=poll'}),
    HostRow('frequency.polling', CANNOT_TELL, files={'proc/cmdline': None}),
    HostRow('frequency.clocksource', GOOD, 'nested'),
    HostRow('frequency.clocksource', GOOD, 'arm'),
    HostRow('frequency.clocksource', BAD, files={CLOCK: 'hpet'}, says='hpet'),
    HostRow('frequency.clocksource', CANNOT_TELL, files={CLOCK: None}),
)
