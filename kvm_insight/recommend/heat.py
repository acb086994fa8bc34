# SPDX-License-Identifier: Apache-2.0
"""Heat: how much it hurts to be on a host, from 0 to 1.

Three things make a host hot: what its open findings say is lost, what it has
too little of in most of its last minutes, and what is expected. The worst of
them counts.
"""

import dataclasses
from collections.abc import Iterator, Mapping

from kvm_insight.model import finding, host_report, inventory
from kvm_insight.recommend import pressed

#: So many cores lost are half of the way to the hottest.
_HALF_CORES = 0.5
#: Of a host that is pressed now, and of one that will be for sure.
_PRESSED = 0.5
_EXPECTED = 0.45
#: Verdicts and causes that say nothing of how a newcomer would fare.
_OWN_VERDICTS: frozenset[finding.Verdict] = frozenset({'self_inflicted'})
_OWN_CAUSES: frozenset[finding.Cause | None] = frozenset({'quota', 'limit'})


@dataclasses.dataclass(frozen=True, slots=True)
class Heat:
    """One host's heat, and why."""

    value: float
    #: Of the report that it is drawn from.
    time_us: int
    reasons: tuple[str, ...] = ()


def of(
    report: host_report.HostReport, outlook: inventory.Outlook | None
) -> Heat:
    """Return how hot a host is."""
    parts = list(_parts(report, outlook))
    return Heat(
        round(max((value for value, _ in parts), default=0.0), 3),
        report.time_us,
        tuple(reason for _, reason in sorted(parts, reverse=True)),
    )


def of_hosts(
    reports: Mapping[str, host_report.HostReport],
    outlooks: Mapping[str, inventory.Outlook],
) -> dict[str, Heat]:
    """Return host -> how hot it is."""
    return {
        name: of(report, outlooks.get(name))
        for name, report in reports.items()
    }


def _parts(
    report: host_report.HostReport, outlook: inventory.Outlook | None
) -> Iterator[tuple[float, str]]:
    lost = _lost_cores(report)
    if lost > 0:
        yield lost / (lost + _HALF_CORES), f'{lost:.2f} cores lost'
    for resource in pressed.resources(report):
        yield _PRESSED, f'too little {resource}'
    if outlook is not None and outlook.state == 'hot':
        yield (
            _EXPECTED * outlook.probability,
            f'{outlook.probability:.0%} sure to be too full within'
            f' {outlook.within_h} h',
        )


def _lost_cores(report: host_report.HostReport) -> float:
    """Return what is lost because of the host, each victim once."""
    worst: dict[str, float] = {}
    for hurt in report.hurts:
        if hurt.verdict in _OWN_VERDICTS or hurt.cause in _OWN_CAUSES:
            continue
        known = worst.get(hurt.victim, 0.0)
        worst[hurt.victim] = max(known, hurt.severity_cores)
    return sum(worst.values())
