# SPDX-License-Identifier: Apache-2.0
"""A tenant's report, made of what was added up for it."""

import bisect
import math
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kvm_insight.model import history, tenant_report
from kvm_insight.model import sizing as size_rule
from kvm_insight.report import incident, notes, period, sizing, total, value

#: So many of the longest waits are told.
WORST = 10


def report(
    material: value.Material,
    when: period.Period,
    made_us: int,
    rule: tenant_report.SizingRule = size_rule.RULE,
    adviser: value.Adviser | None = None,
) -> tenant_report.TenantReport:
    """Return the report of one project and period; without an adviser
    nothing is checked."""
    uses = sorted(material.uses, key=lambda use: (use.name or '', use.uuid))
    lives = [life(use, material, made_us) for use in uses]
    instances = [
        _instance(use, end_us - begin_us, rule)
        for use, (begin_us, end_us) in zip(uses, lives, strict=True)
    ]
    names = {one.uuid: one.name for one in instances}
    made = tenant_report.TenantReport(
        project_id=material.project_id,
        project_name=material.project_name,
        period=when.record(),
        made_us=made_us,
        resolution=material.resolution,
        totals=totals(instances),
        instances=instances,
        timeline=_timeline(material, when, lives),
        worst=list(_worst(material.worst, names)),
        findings=incident.told(material.found, material.project_id, made_us),
        caused=incident.caused(material.blamed),
        sizing_rule=rule,
        advice=[],
    )
    if adviser is not None:
        pasts = map(_past, uses, lives, instances, [when] * len(uses))
        made = _advised(made, adviser(list(pasts), rule))
    return notes.added(made, material)


def _past(
    use: value.Use,
    lived: tuple[int, int],
    one: tenant_report.Instance,
    when: period.Period,
) -> history.Instance:
    """Return what checks are asked with."""
    begin_us, end_us = lived
    if use.sized is not None:
        begin_us = max(begin_us, use.sized.since_us)
    return history.Instance(
        uuid=use.uuid,
        name=use.name,
        flavor=use.flavor,
        memory_bytes=use.memory_bytes,
        gone=use.gone,
        known_us=max(0, end_us - begin_us),
        coverage=one.coverage,
        sized=use.sized,
        network=use.network,
        memory=use.memory,
        timezone=when.zone_name,
    )


def _advised(
    made: tenant_report.TenantReport, advised: value.Advised
) -> tenant_report.TenantReport:
    return msgspec.structs.replace(
        made,
        advice=list(advised.advice),
        advice_checks=advised.checks,
        advice_unknown={n: c for n, c in advised.unknown.items() if c},
        saving=advised.saving,
    )


def life(
    use: value.Use, material: value.Material, made_us: int
) -> tuple[int, int]:
    """Return from when to when an instance is known to exist in the period.

    One that is not known to be gone is there, whether or not anything was
    heard of it since: silence is a gap.
    """
    end_us = use.last_seen_us if use.gone else max(use.last_seen_us, made_us)
    begin_us = max(use.first_seen_us, material.since_us)
    return begin_us, max(begin_us, min(end_us, material.until_us))


def _instance(
    use: value.Use, known_us: int, rule: tenant_report.SizingRule
) -> tenant_report.Instance:
    coverage = total.ratio(use.sums.measured_us, known_us)
    return tenant_report.Instance(
        uuid=use.uuid,
        name=use.name,
        flavor=use.flavor,
        vcpus=use.vcpus,
        memory_bytes=use.memory_bytes,
        first_seen_us=use.first_seen_us,
        last_seen_us=use.last_seen_us,
        known_s=total.seconds(known_us),
        coverage=coverage,
        cpu=total.cpu(use.sums),
        sizing=sizing.of(use, coverage, rule),
        disk=total.disk(use.disk) if use.disk else None,
        network=total.network(use.network) if use.network else None,
        memory=total.memory(use.memory) if use.memory else None,
    )


def totals(
    instances: Sequence[tenant_report.Instance],
) -> tenant_report.Totals:
    """Return the sums over all instances."""
    known_s = total.added(one.known_s for one in instances)
    covered = math.fsum(
        (one.coverage or 0.0) * one.known_s for one in instances
    )
    return tenant_report.Totals(
        instances=len(instances),
        known_s=known_s,
        coverage=total.ratio(covered, known_s),
        cpu=total.added_cpu([one.cpu for one in instances]),
        disk=total.added_disk([one.disk for one in instances if one.disk]),
        network=total.added_network(
            [one.network for one in instances if one.network]
        ),
        memory=total.added_memory(
            [one.memory for one in instances if one.memory]
        ),
    )


def _timeline(
    material: value.Material,
    when: period.Period,
    lives: Sequence[tuple[int, int]],
) -> list[tenant_report.Slot]:
    """Return all stretches, each in the day or hour in which it begins."""
    edges = period.steps(when.since_us, when.until_us, when.zone)
    within: list[list[value.Sums]] = [[] for _ in edges[1:]]
    for one in material.stretches:
        place = bisect.bisect_right(edges, one.start_us) - 1
        if 0 <= place < len(within):
            within[place].append(one.sums)
    known = _known(edges, lives)
    return [
        _slot(edges[at], edges[at + 1], known[at], sums)
        for at, sums in enumerate(within)
    ]


def _known(
    edges: Sequence[int], lives: Sequence[tuple[int, int]]
) -> list[int]:
    """Return for how long instances existed between the edges, together."""
    known = [0] * (len(edges) - 1)
    for begin_us, end_us in lives:
        first = max(0, bisect.bisect_right(edges, begin_us) - 1)
        for at in range(first, len(known)):
            if edges[at] >= end_us:
                break
            lasted = min(end_us, edges[at + 1]) - max(begin_us, edges[at])
            known[at] += max(0, lasted)
    return known


def _slot(
    start_us: int, end_us: int, known_us: int, sums: Sequence[value.Sums]
) -> tenant_report.Slot:
    cpu = total.cpu(value.added(sums))
    return tenant_report.Slot(
        start_us=start_us,
        end_us=end_us,
        known_s=total.seconds(known_us),
        measured_s=cpu.measured_s,
        run_core_s=cpu.run_core_s,
        wanted_core_s=cpu.wanted_core_s,
        waited_core_s=cpu.waited_core_s,
        caused_core_s=cpu.caused_core_s,
        causes=cpu.causes,
    )


def _worst(
    stretches: Iterable[value.Stretch], names: dict[str, str | None]
) -> Iterator[tenant_report.Worst]:
    """Return the longest waits, the longest first."""
    waits = [one for one in stretches if one.uuid and one.sums.delay_us > 0]
    waits.sort(key=lambda one: (-one.sums.delay_us, one.start_us))
    for one in waits[:WORST]:
        cpu = total.cpu(one.sums)
        yield tenant_report.Worst(
            instance=one.uuid or '',
            name=names.get(one.uuid or ''),
            start_us=one.start_us,
            length_s=total.seconds(one.length_us),
            waited_core_s=cpu.waited_core_s,
            waited_ratio=cpu.waited_ratio or 0.0,
            cause=total.main_cause(cpu.causes),
        )
