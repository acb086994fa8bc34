# SPDX-License-Identifier: Apache-2.0
"""Whether an instance has more or fewer vCPUs than it wanted.

The verdict is ``model.sizing``'s, so that it is the one of reports.
"""

from kvm_insight.advise import check
from kvm_insight.advise.instance import idle
from kvm_insight.model import sizing


def _judged(case: check.InstanceCase) -> sizing.Judged | check.Outcome:
    """Return the verdict, or why there is none."""
    one = case.instance
    if one.gone:
        return check.NotConcerned('it is gone')
    found = sizing.judge(one.sized, one.coverage, case.rule)
    if found.verdict == 'unknown':
        return check.CannotTell(found.reason)
    return found


def _evidence(
    case: check.InstanceCase, found: sizing.Judged
) -> check.Evidence:
    sized = case.instance.sized
    if sized is None:
        return ()
    return (
        ('vCPUs', str(sized.vcpus)),
        ('usage: p95 of wanted cores', f'{found.p95_cores:.2f}'),
        ('usage: p99 of wanted cores', f'{found.p99_cores:.2f}'),
        ('usage: measured', f'{sized.measured_us / 3.6e9:.0f} h'),
    )


def _is_not_oversized(case: check.InstanceCase) -> check.Outcome:
    found = _judged(case)
    if not isinstance(found, sizing.Judged):
        return found
    evidence = _evidence(case, found)
    sized, proposed = case.instance.sized, found.proposed_vcpus
    if sized is None or proposed is None:
        return check.Good(evidence)
    if isinstance(idle.is_used(case), check.Bad):
        return check.NotConcerned('it is idle: see sizing.idle')
    spare = sized.vcpus - proposed
    return check.Bad(
        evidence,
        f'{found.reason}; {proposed} would do',
        check.Saving(vcpus=spare, core_s=spare * case.instance.known_us / 1e6),
    )


def _is_not_undersized(case: check.InstanceCase) -> check.Outcome:
    found = _judged(case)
    if not isinstance(found, sizing.Judged):
        return found
    evidence = _evidence(case, found)
    if found.verdict != 'undersized':
        return check.Good(evidence)
    return check.Bad(evidence, found.reason)


CHECKS = (
    check.Check(
        id='sizing.undersized',
        subject='sizing',
        about='instance',
        severity='medium',
        title='An instance wants more than its vCPUs or its quota give',
        reason='What it wants beyond them waits, however empty its host is.',
        libvirt='Raise <vcpu> and the topology (virsh setvcpus DOMAIN N'
        ' --config, after --maximum), or its <quota> under <cputune>.',
        nova='openstack server resize --flavor FLAVOR with more VCPUs; where'
        ' its limit stops it, a flavor with a higher quota:cpu_quota, or'
        ' without one.',
        source='https://docs.openstack.org/nova/latest/user/resize.html',
        unless='it is work that takes whatever it gets, as a build or a'
        ' computation, and nobody waits for its end.',
        look=_is_not_undersized,
    ),
    check.Check(
        id='sizing.oversized',
        subject='sizing',
        about='instance',
        severity='low',
        title='An instance has vCPUs that it does not use',
        reason='They are reserved by the allocation ratio and counted in the'
        " project's quota, and each vCPU more is one more to be scheduled.",
        libvirt='virsh setvcpus DOMAIN N --config, and the topology with it;'
        ' it counts from the next start on.',
        nova='openstack server resize --flavor FLAVOR with the proposed'
        ' VCPUs, then openstack server resize confirm.',
        source='https://docs.openstack.org/nova/latest/user/resize.html',
        unless='a peak is to come that this time did not have (an end of'
        ' year, a failover), or a licence or software demands the number.',
        look=_is_not_oversized,
    ),
)
