# SPDX-License-Identifier: Apache-2.0
"""vCPUs of a domain against what was measured: starved, or never used."""

import math

from kvm_insight.advise import check
from kvm_insight.advise.domain import question
from kvm_insight.model import facts

_TUNING = 'https://libvirt.org/formatdomain.html#cpu-tuning'
#: Of the time that it wants to run; below, nobody feels it.
_STARVED = 0.05
#: To say that something is never used takes a week with its evenings.
_WEEK_S = 7 * 86400
_LEAST = 30
#: Room above the 99th percentile.
_ROOM = 1.25
#: libvirt's, where there is a quota and no period.
_PERIOD_US = 100_000


def quota_cores(domain: facts.DomainFacts) -> float | None:
    """Return how many cores its quotas leave it; None without any."""
    tuning = domain.cpu_tuning
    found = []
    if tuning.get('quota'):
        each = tuning['quota'] / (tuning.get('period') or _PERIOD_US)
        found.append(each * (domain.vcpus_current or 0))
    if tuning.get('global_quota'):
        period = tuning.get('global_period') or _PERIOD_US
        found.append(tuning['global_quota'] / period)
    return min(found) if found else None


@question.needs('vcpus_current')
@question.reads('cpu_tuning')
def _is_fed(case: check.DomainCase) -> check.Outcome:
    domain, use = case.domain, case.use
    cores = quota_cores(domain)
    if cores is None:
        return check.NotConcerned('it has no quota')
    if use is None or use.quota_wait_ratio is None:
        return check.CannotTell('nobody has measured its wait for the quota')
    evidence = (
        ('cputune/quota, global_quota', f'{cores:g} cores'),
        ('vcpu', str(domain.vcpus_current)),
        ('measured: held back by the quota', f'{use.quota_wait_ratio:.1%}'),
    )
    if use.quota_wait_ratio < _STARVED:
        return check.Good(evidence)
    what = f'its quota holds it back {use.quota_wait_ratio:.0%} of the time'
    return check.Bad(evidence, what)


@question.needs('vcpus_current')
@question.reads('cpu_tuning')
def _is_used(case: check.DomainCase) -> check.Outcome:
    domain, use = case.domain, case.use
    vcpus = domain.vcpus_current or 0
    if vcpus < 2:
        return check.NotConcerned('it has one vCPU')
    if use is None or use.cpu_p99_cores is None:
        return check.CannotTell('nobody has measured what it uses')
    if use.span_s < _WEEK_S or use.samples < _LEAST:
        days = use.span_s / 86400
        return check.CannotTell(f'{days:.1f} days are too short to tell')
    quota = quota_cores(domain)
    evidence: check.Evidence = (
        ('vcpu', str(vcpus)),
        (
            'measured: 99th percentile of CPU',
            f'{use.cpu_p99_cores:.2f} cores in {use.span_s // 86400} days',
        ),
    )
    if quota is not None and quota < vcpus:
        evidence = (*evidence, ('cputune/quota', f'{quota:g} cores'))
        if use.cpu_p99_cores * _ROOM > quota:
            return check.Good(evidence)
    if use.cpu_p99_cores * _ROOM > vcpus / 2:
        return check.Good(evidence)
    enough = max(1, math.ceil(use.cpu_p99_cores * _ROOM))
    what = f'{enough} of its {vcpus} vCPUs would do'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='use.starved',
        subject='use',
        about='domain',
        severity='high',
        title='Its quota keeps it from running',
        reason='Its vCPUs are stopped within each period though CPUs are'
        ' free: the guest sees steal, and a lock may be held all the while.',
        libvirt='virsh schedinfo DOMAIN --live --config vcpu_quota=N (-1 for'
        ' none), or fewer vCPUs for the same quota.',
        nova='Flavor quota:cpu_quota and quota:cpu_period, and a resize;'
        ' quota:cpu_shares holds back only where others want to run.',
        source=_TUNING,
        unless='the quota is what was paid for.',
        look=_is_fed,
    ),
    check.Check(
        id='use.unused-vcpus',
        subject='use',
        about='domain',
        severity='low',
        title='It has vCPUs that it never uses',
        reason='They count for overcommit and for the room on hosts, and each'
        ' idle vCPU wakes up now and then.',
        libvirt='virsh setvcpus DOMAIN N --config (and --maximum N with the'
        ' domain shut down).',
        nova='Resize to a flavor with fewer vCPUs.',
        source='https://docs.openstack.org/nova/latest/user/resize.html',
        unless='the load comes once a month or a quarter, or it stands by for'
        ' another one that may fail.',
        look=_is_used,
    ),
)
