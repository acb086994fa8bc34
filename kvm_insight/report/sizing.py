# SPDX-License-Identifier: Apache-2.0
"""Sizing as reports tell it; the rule itself is ``model.sizing``."""

from kvm_insight.model import sizing, tenant_report
from kvm_insight.report import total, value


def of(
    use: value.Use, coverage: float | None, rule: tenant_report.SizingRule
) -> tenant_report.Sizing:
    """Return the verdict, with the figures that it is from."""
    sized = use.sized
    found = sizing.judge(sized, coverage, rule)
    if sized is None or not sized.histogram:
        return tenant_report.Sizing(
            verdict=found.verdict, reason=found.reason, vcpus=use.vcpus or 0
        )
    return tenant_report.Sizing(
        verdict=found.verdict,
        reason=found.reason,
        vcpus=sized.vcpus,
        since_us=sized.since_us,
        measured_s=total.seconds(sized.measured_us),
        p50_cores=_rounded(found.p50_cores),
        p95_cores=_rounded(found.p95_cores),
        p99_cores=_rounded(found.p99_cores),
        proposed_vcpus=found.proposed_vcpus,
    )


def _rounded(cores: float | None) -> float | None:
    return None if cores is None else round(cores, 4)
