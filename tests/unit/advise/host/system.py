# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the host's system."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, HostRow

PROFILE = 'etc/tuned/active_profile'
RELEASE = 'proc/sys/kernel/osrelease'


def none(field: str) -> dict[str, object]:
    return {field: None, 'unknown': {field: 'no permission: x'}}


ROWS = (
    HostRow('system.tuned', GOOD),
    HostRow('system.tuned', BAD, files={PROFILE: 'balanced'}, says='balanced'),
    HostRow('system.tuned', BAD, files={'proc/901/comm': None}, says='run'),
    HostRow('system.tuned', CANNOT_TELL, known=none('tuned_profile')),
    HostRow('system.tuned', NOT_CONCERNED, 'recorded'),
    HostRow('system.cgroup', GOOD),
    HostRow('system.cgroup', BAD, 'recorded'),
    HostRow('system.cgroup', CANNOT_TELL, known=none('cgroup_version')),
    HostRow('system.pressure', GOOD, 'recorded'),
    HostRow('system.pressure', BAD, files={'proc/pressure/cpu': None}),
    HostRow('system.pressure', CANNOT_TELL, known=none('has_pressure')),
    HostRow('system.schedstat', GOOD),
    HostRow('system.schedstat', BAD, files={'proc/self/schedstat': None}),
    HostRow('system.schedstat', CANNOT_TELL, known=none('has_schedstat')),
    HostRow('system.kernel', GOOD, 'recorded'),
    HostRow('system.kernel', BAD, files={RELEASE: '4.18.0-553.el8.x86_64'}),
    HostRow('system.kernel', CANNOT_TELL, files={RELEASE: 'mainline'}),
    HostRow('system.libvirt', GOOD),
    HostRow('system.libvirt', BAD, known={'libvirt_version': 9_000_000}),
    HostRow('system.libvirt', CANNOT_TELL, capabilities=None),
    HostRow('system.qemu', GOOD),
    HostRow('system.qemu', BAD, known={'qemu_version': 7_002_022}),
    HostRow('system.qemu', CANNOT_TELL, capabilities=None, says='libvirt'),
)
