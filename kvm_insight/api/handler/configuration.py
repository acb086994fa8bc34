# SPDX-License-Identifier: Apache-2.0
"""Configuration findings."""

import json
from collections.abc import Iterator
from typing import Any

from kvm_insight.advise import registry
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
        'about': _about(row['check']),
        'host_id': sight.host_id(row['host'], row['project_id']),
    }
    record = _tree(fields.pop('record'))
    if ask.is_operator:
        fields['record'] = record
        fields['what'] = str(record.get('what', ''))
        fields['evidence'] = [*_evidence(record.get('evidence'))]
    else:
        # What was read of an instance may say how its host is, too.
        del fields['host']
    return configuration.ConfigurationFinding(**fields)


def _about(name: str) -> configuration.Check | None:
    one = registry.known(name)
    if one is None:
        return None
    return configuration.Check(
        title=one.title,
        reason=one.reason,
        remedy=one.libvirt,
        remedy_nova=one.nova,
        unless=one.unless,
        source=one.source,
    )


def _evidence(told: object) -> Iterator[configuration.Evidence]:
    for one in told if isinstance(told, list) else ():
        if isinstance(one, dict):
            where, value = (str(one.get(x, '')) for x in ('where', 'value'))
            yield configuration.Evidence(where=where, value=value)


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
