# SPDX-License-Identifier: Apache-2.0
"""Findings."""

from kvm_insight.api import asking, moment, problem, telling
from kvm_insight.api.handler import ident
from kvm_insight.api.resource import document, finding
from kvm_insight.store import findings, paging

Listing = asking.Ask[finding.FindingsQuery, None]
Plain = asking.Ask[document.Query, None]


def index(ask: Listing) -> finding.Findings:
    """Return a part of the findings."""
    query = ask.query
    asking.for_operators(ask, 'project_id', 'host')
    after = None
    if query.marker is not None:
        after = _inner(ask, query.marker)
        if after is None:
            raise asking.bad_marker()
    page = asking.page(query, query.sort_key, query.sort_dir, after)
    wanted = findings.Filter(
        state=query.state,
        resource=query.resource,
        verdict=query.verdict,
        instance=query.instance,
        project_id=query.project_id,
        host=query.host,
        since_us=moment.optional(query.since, 'since'),
        until_us=moment.optional(query.until, 'until'),
    )
    found, links = asking.part(
        ask,
        lambda: findings.listed(ask.store, ask.scope, wanted, page),
        lambda row: _outer(ask, row),
    )
    made = telling.Telling(ask.store, ask.scope, found)
    return finding.Findings(
        findings=[made.short(row, _outer(ask, row)) for row in found],
        links=links,
    )


def show(ask: Plain) -> finding.FindingDetail:
    """Return one finding."""
    known = _inner(ask, ask.path['id'])
    row = known and findings.one(ask.store, ask.scope, known)
    if not row:
        raise problem.unknown()
    made = telling.Telling(ask.store, ask.scope, [row])
    return made.long(row, _outer(ask, row))


def _inner(ask: asking.Ask[document.Query, None], name: str) -> str | None:
    return ident.inner(ask, name, findings.ids_opened)


def _outer(ask: asking.Ask[document.Query, None], row: paging.Row) -> str:
    return ident.outer(ask, str(row['id']), row['opened_us'])
