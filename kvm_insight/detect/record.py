# SPDX-License-Identifier: Apache-2.0
"""Record: the evidence on a victim as it is published."""

from typing import Literal

from kvm_insight.detect import evidence, settings
from kvm_insight.model import finding


def of(
    seen: evidence.Picture,
    scale: settings.Scale,
    host: evidence.Host,
) -> finding.Evidence:
    """Return the evidence as it is published."""
    first, last = seen.extent.first, seen.extent.last
    case, usual = seen.case, seen.level.median
    source = case.baseline
    return finding.Evidence(
        window_s=scale.seconds,
        start_us=max(0, first.time_us - first.interval_us),
        end_us=last.time_us,
        first_sequence=first.sequence,
        last_sequence=last.sequence,
        agent_id=host.agent_id,
        samples=seen.extent.slots,
        coverage=round(case.coverage, 4),
        suffering=round(seen.suffering, 6),
        floor=scale.floor,
        baseline=round(usual if source != 'entitlement' else 0.0, 6),
        baseline_source=source,
        run_us=seen.run_us,
        run_delay_us=seen.delay_us,
        throttled_us=seen.throttled_us,
        ledger_source=_source(case.source),
        ledger_confidence=case.confidence,
        charges=seen.row,
    )


def _source(name: str | None) -> Literal['ebpf', 'sampled'] | None:
    if name == 'ebpf':
        return 'ebpf'
    return 'sampled' if name == 'sampled' else None
