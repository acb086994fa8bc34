# SPDX-License-Identifier: Apache-2.0
"""Configuration findings."""

import json
from typing import Any

from kvm_insight.api import asking, sight
from kvm_insight.api.handler import ident
from kvm_insight.api.resource import configuration
from kvm_insight.store import configurations, paging

Listing = asking.Ask[configuration.ConfigurationFindingsQuery, None]


def index(ask: Listing) -> configuration.ConfigurationFindings:
    """Return a part of the configuration findings."""
    query = ask.query
    asking.for_operators(ask, 'project_id', 'host')
    after = None if query.marker is None else _inner(ask, query.marker)
    page = asking.page(query, query.sort_key, query.sort_dir, after)
    wanted = configurations.Filter(
        check=query.check,
        severity=query.severity,
        state=query.state,
        instance=query.instance,
        project_id=query.project_id,
        host=query.host,
    )
    found, links = asking.part(
        ask,
        lambda: configurations.listed(ask.store, ask.scope, wanted, page),
        lambda row: _outer(ask, row),
    )
    return configuration.ConfigurationFindings(
        configuration_findings=[_shown(ask, row) for row in found],
        links=links,
    )


def _shown(
    ask: Listing, row: paging.Row
) -> configuration.ConfigurationFinding:
    fields: dict[str, Any] = {
        **row,
        'id': _outer(ask, row),
        'host_id': sight.host_id(row['host'], row['project_id']),
    }
    record = fields.pop('record')
    if ask.is_operator:
        fields['record'] = _tree(record)
    else:
        del fields['host']
    return configuration.ConfigurationFinding(**fields)


def _tree(record: bytes) -> dict[str, Any]:
    try:
        found = json.loads(record)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _outer(ask: Listing, row: paging.Row) -> str:
    return ident.outer(ask, str(row['id']), row['opened_us'])


def _inner(ask: Listing, marker: str) -> str:
    known = ident.inner(ask, marker, configurations.ids_opened)
    if known is None:
        raise asking.bad_marker()
    return known
