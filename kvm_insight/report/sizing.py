# SPDX-License-Identifier: Apache-2.0
"""Sizing: whether an instance's vCPUs fit what it wanted.

By quantiles of the cores that it wanted, which is what would have run on an
empty host under the same quota. They are the upper edges of bins that are
5 % wide: the true quantile is less than 5 % below.
"""

import math

from kvm_insight.model import tenant_report, usage
from kvm_insight.report import total, value

RULE = tenant_report.SizingRule()


def of(
    use: value.Use, coverage: float | None, rule: tenant_report.SizingRule
) -> tenant_report.Sizing:
    """Return the verdict, with the figures that it is from."""
    sized = use.sized
    if sized is None or not sized.histogram:
        return tenant_report.Sizing(
            verdict='unknown', reason='not measured', vcpus=use.vcpus or 0
        )
    p50, p95, p99 = (
        usage.quantile(sized.histogram, part) for part in (0.5, 0.95, 0.99)
    )
    verdict, reason, proposed = _judged(sized, p95, p99, coverage, rule)
    return tenant_report.Sizing(
        verdict=verdict,
        reason=reason,
        vcpus=sized.vcpus,
        since_us=sized.since_us,
        measured_s=total.seconds(sized.measured_us),
        p50_cores=_rounded(p50),
        p95_cores=_rounded(p95),
        p99_cores=_rounded(p99),
        proposed_vcpus=proposed,
    )


def _rounded(cores: float | None) -> float | None:
    return None if cores is None else round(cores, 4)


def _judged(
    sized: value.Sized,
    p95: float | None,
    p99: float | None,
    coverage: float | None,
    rule: tenant_report.SizingRule,
) -> tuple[tenant_report.Verdict, str, int | None]:
    unknown = _unknown(sized, coverage, rule)
    if unknown or p95 is None or p99 is None:
        return 'unknown', unknown or 'not measured', None
    stopped = sized.throttled_us / (sized.wanted_us or 1)
    if stopped > rule.throttled_above:
        return (
            'undersized',
            f'its CPU limit stopped it for {stopped:.0%} of what it wanted',
            None,
        )
    if p95 > rule.undersized_above * sized.vcpus:
        return (
            'undersized',
            f'wanted {p95:.2f} cores or more for 5 % of the time, of'
            f' {sized.vcpus}',
            None,
        )
    enough = max(1, math.ceil(p99 / rule.filled))
    if p99 < rule.oversized_below * sized.vcpus and enough < sized.vcpus:
        return (
            'oversized',
            f'{p99:.2f} cores were enough for 99 % of the time, of'
            f' {sized.vcpus}',
            enough,
        )
    return 'fits', f'wanted {p95:.2f} cores at p95, of {sized.vcpus}', None


def _unknown(
    sized: value.Sized,
    coverage: float | None,
    rule: tenant_report.SizingRule,
) -> str | None:
    """Return why too little was measured, if so."""
    measured_s = sized.measured_us / 1e6
    if not sized.vcpus:
        return 'the number of its vCPUs is not known'
    if measured_s < rule.least_measured_s:
        return (
            f'measured for {measured_s / 3600:.1f} h, at least'
            f' {rule.least_measured_s / 3600:.0f} h are needed'
        )
    if coverage is None or coverage < rule.least_coverage:
        return (
            f'measured for {coverage or 0.0:.0%} of the time, at least'
            f' {rule.least_coverage:.0%} are needed'
        )
    return None
