# SPDX-License-Identifier: Apache-2.0
"""Sizing: whether an instance's vCPUs fit what it wanted.

By quantiles of the cores that it wanted, which is what would have run on an
empty host under the same quota. They are the upper edges of bins that are
5 % wide: the true quantile is less than 5 % below.
"""

import dataclasses
import math
from collections.abc import Sequence

from kvm_insight.model import tenant_report, usage

RULE = tenant_report.SizingRule()
#: Hours of a week, the one from Monday 00:00 on first.
WEEK = 168

#: Measured µs, and core-µs wanted in them.
Slot = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Sized:
    """What tells the right size: all since the vCPUs were so many."""

    vcpus: int
    since_us: int
    measured_us: int
    wanted_us: int
    throttled_us: int
    histogram: Sequence[usage.Bin]
    #: ``WEEK`` of them in the time zone of whoever asked, of all weeks
    #: together; none where no hours were read, only days.
    week: Sequence[Slot] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """The verdict, and the figures that it is from."""

    verdict: tenant_report.Verdict
    #: In words, with the figures.
    reason: str
    p50_cores: float | None = None
    p95_cores: float | None = None
    p99_cores: float | None = None
    #: Fewer vCPUs that would do, where they would.
    proposed_vcpus: int | None = None


def judge(
    sized: Sized | None,
    coverage: float | None,
    rule: tenant_report.SizingRule = RULE,
) -> Judged:
    """Return whether the vCPUs fit; ``coverage`` is the part of the time for
    which the instance is known that was measured."""
    if sized is None or not sized.histogram:
        return Judged('unknown', 'not measured')
    p50, p95, p99 = (
        usage.quantile(sized.histogram, part) for part in (0.5, 0.95, 0.99)
    )
    verdict, reason, proposed = _judged(sized, p95, p99, coverage, rule)
    return Judged(verdict, reason, p50, p95, p99, proposed)


def _judged(
    sized: Sized,
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
    sized: Sized,
    coverage: float | None,
    rule: tenant_report.SizingRule,
) -> str | None:
    """Return why too little was measured, if so."""
    if not sized.vcpus:
        return 'the number of its vCPUs is not known'
    return too_little(sized.measured_us, rule.least_measured_s) or sparse(
        coverage, rule
    )


def too_little(measured_us: int, least_s: float) -> str | None:
    """Return how much of a time is missing, if any is."""
    measured_s = measured_us / 1e6
    if measured_s >= least_s:
        return None
    return (
        f'measured for {measured_s / 3600:.1f} h, at least'
        f' {least_s / 3600:.0f} h are needed'
    )


def sparse(
    coverage: float | None, rule: tenant_report.SizingRule
) -> str | None:
    """Return what part of the time is missing, if too much is."""
    if coverage is not None and coverage >= rule.least_coverage:
        return None
    return (
        f'measured for {coverage or 0.0:.0%} of the time, at least'
        f' {rule.least_coverage:.0%} are needed'
    )
