# SPDX-License-Identifier: Apache-2.0
"""Findings about a project's instances, and those that name them."""

import itertools
from collections.abc import Iterable, Iterator, Sequence

from kvm_insight.model import tenant_report
from kvm_insight.report import total, value, words


def told(
    found: Iterable[value.Found], project_id: str, now_us: int
) -> list[tenant_report.Incident]:
    """Return findings in a tenant's words, the oldest first."""
    made = [_incident(one, project_id, now_us) for one in found]
    return sorted(made, key=lambda one: (one.opened_us, one.text))


def _incident(
    one: value.Found, project_id: str, now_us: int
) -> tenant_report.Incident:
    record = one.record
    end_us = now_us if record.closed_us is None else record.closed_us
    return tenant_report.Incident(
        id=one.opaque_id,
        instance=record.victim.uuid,
        name=words.name(record.victim),
        resource=record.resource,
        verdict=record.verdict,
        cause=record.cause,
        confidence=record.confidence,
        opened_us=record.opened_us,
        closed_us=record.closed_us,
        closed_reason=record.closed_reason,
        duration_s=total.seconds(max(0, end_us - record.opened_us)),
        lost_core_s=total.seconds(record.lost_us),
        text=words.sentence(record, project_id),
    )


def caused(
    blamed: Iterable[value.Blamed],
) -> list[tenant_report.Caused]:
    """Return when others waited for whom of the project.

    Findings that overlap are one: else their number would tell how many
    others there are.
    """
    ordered = sorted(blamed, key=_order)
    made = [
        tenant_report.Caused(
            instance=uuid,
            name=group[0].name,
            resource=resource,
            begin_us=group[0].opened_us,
            end_us=_end(group),
            waited_core_s=total.seconds(sum(one.waited_us for one in group)),
            own_only=all(one.own for one in group),
        )
        for (uuid, resource), of_one in itertools.groupby(
            ordered, key=lambda one: (one.uuid, one.resource)
        )
        for group in _joined(of_one)
    ]
    return sorted(made, key=lambda one: (one.begin_us, one.instance))


def _order(one: value.Blamed) -> tuple[str, str, int]:
    return one.uuid, one.resource, one.opened_us


def _joined(
    ordered: Iterable[value.Blamed],
) -> Iterator[list[value.Blamed]]:
    """Return those that overlap together."""
    group: list[value.Blamed] = []
    for one in ordered:
        if group:
            end_us = _end(group)
            if end_us is not None and one.opened_us > end_us:
                yield group
                group = []
        group.append(one)
    if group:
        yield group


def _end(group: Sequence[value.Blamed]) -> int | None:
    ends = [one.closed_us for one in group]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None
