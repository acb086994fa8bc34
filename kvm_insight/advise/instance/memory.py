# SPDX-License-Identifier: Apache-2.0
"""Whether an instance has memory that it never touched.

What a guest has touched stays in use at the host, as its page cache does, so
that the most that was in use there is the most that it ever wanted.
"""

import math

from kvm_insight.advise import check
from kvm_insight.advise.instance import idle
from kvm_insight.model import sizing

_TOUCHED_BELOW = 0.5
#: Less than that is no guest's: its memory is on huge pages, which are not
#: in what a process has in use.
_LIKELY_ABOVE = 0.1
_STEP_BYTES = 256 << 20
_LEAST_BYTES = 1 << 30


def _is_touched(case: check.InstanceCase) -> check.Outcome:
    one = case.instance
    if one.gone:
        return check.NotConcerned('it is gone')
    if one.memory_bytes is None:
        return check.CannotTell('how much memory it has is not known')
    if one.memory_bytes <= _LEAST_BYTES:
        return check.NotConcerned('it has no more than 1 GiB')
    memory = one.memory
    if memory is None or memory.peak_rss_bytes is None:
        return check.CannotTell('its memory was not measured')
    why = sizing.too_little(memory.measured_us, idle.LEAST_S) or sizing.sparse(
        one.coverage, case.rule
    )
    if why:
        return check.CannotTell(why)
    if memory.swap_out_bytes:
        return check.CannotTell('a part of it was swapped out by the host')
    touched = memory.peak_rss_bytes / one.memory_bytes
    if touched < _LIKELY_ABOVE:
        return check.CannotTell(
            f'{touched:.0%} of it is in use at the host: too little for a'
            ' guest, so that it is on huge pages, which are not counted'
        )
    return _by_touched(case, one.memory_bytes, memory.peak_rss_bytes)


def _by_touched(
    case: check.InstanceCase, given: int, touched: int
) -> check.Outcome:
    evidence: check.Evidence = (
        ('memory', f'{given >> 20} MiB'),
        ('usage: most in use at the host', f'{touched >> 20} MiB'),
    )
    steps = math.ceil(touched / case.rule.filled / _STEP_BYTES)
    enough = max(_LEAST_BYTES, steps * _STEP_BYTES)
    if touched > _TOUCHED_BELOW * given or enough >= given:
        return check.Good(evidence)
    if isinstance(idle.is_used(case), check.Bad):
        return check.NotConcerned('it is idle: see sizing.idle')
    return check.Bad(
        evidence,
        f'never had more than {touched >> 20} MiB of its {given >> 20} MiB in'
        f' use; {enough >> 20} MiB would do',
        check.Saving(memory_bytes=given - enough),
    )


CHECKS = (
    check.Check(
        id='sizing.memory-untouched',
        subject='sizing',
        about='instance',
        severity='low',
        title='An instance has memory that it never touched',
        reason='It is reserved on the host and counted in the quota of the'
        ' project, and nobody uses it, not even as a cache.',
        libvirt='virsh setmaxmem DOMAIN SIZE --config and virsh setmem DOMAIN'
        ' SIZE --config; it counts from the next start on.',
        nova='openstack server resize --flavor FLAVOR with less RAM, then'
        ' openstack server resize confirm.',
        source='https://docs.openstack.org/nova/latest/user/resize.html',
        unless='it was started only lately, or what it is for has not begun.',
        look=_is_touched,
    ),
)
