# SPDX-License-Identifier: Apache-2.0
"""Instances."""

import msgspec

from kvm_insight.api import asking, problem, sight
from kvm_insight.api.handler import host, ledger
from kvm_insight.api.resource import document, instance
from kvm_insight.store import instances, paging

Listing = asking.Ask[instance.InstancesQuery, None]
Plain = asking.Ask[document.Query, None]


def index(ask: Listing) -> instance.Instances:
    """Return a part of the instances."""
    query = ask.query
    asking.for_operators(ask, 'project_id', 'host')
    page = asking.page(query, query.sort_key, query.sort_dir, query.marker)
    wanted = instances.Filter(
        name=query.name,
        flavor=query.flavor,
        state=query.state,
        server_group=query.server_group,
        project_id=query.project_id,
        host=query.host,
        gone=query.gone,
    )
    found, links = asking.part(
        ask,
        lambda: instances.listed(ask.store, ask.scope, wanted, page),
        lambda row: str(row['uuid']),
    )
    made = [shown(ask, row) for row in found]
    return instance.Instances(instances=made, links=links)


def show(ask: Plain) -> instance.InstanceDetail:
    """Return one instance."""
    row = instances.one(ask.store, ask.scope, ask.path['uuid'])
    if row is None:
        raise problem.unknown()
    return instance.InstanceDetail(
        **msgspec.structs.asdict(shown(ask, row)),
        ledger_now=ledger.now(ask, row),
    )


def shown(
    ask: asking.Ask[document.Query, None], row: paging.Row
) -> instance.Instance:
    """Return it as the asker may see it."""
    fields = {
        **row,
        'host_id': sight.host_id(row['host'], row['project_id']),
        'suffering': host.suffering(row['wanted_cores'], row['waited_cores']),
    }
    if not ask.is_operator:
        for name in ('host', 'project_name', 'domain_name'):
            del fields[name]
    return msgspec.convert(fields, instance.Instance)
