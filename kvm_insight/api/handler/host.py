# SPDX-License-Identifier: Apache-2.0
"""Hosts."""

from typing import Any

import msgspec

from kvm_insight.api import asking, problem, sight
from kvm_insight.api.resource import document, host, ledger
from kvm_insight.model import codec, host_report, inventory
from kvm_insight.store import hosts, paging

Listing = asking.Ask[host.HostsQuery, None]
Plain = asking.Ask[document.Query, None]


def index(ask: Listing) -> host.Hosts:
    """Return a part of the hosts."""
    query = ask.query
    page = asking.page(query, query.sort_key, query.sort_dir, query.marker)
    wanted = hosts.Filter(
        availability_zone=query.availability_zone,
        aggregate=query.aggregate,
        enabled=query.enabled,
        outlook_state=query.outlook_state,
        state=query.state,
        fresh_us=ask.fresh_us,
    )
    found, links = asking.part(
        ask,
        lambda: hosts.listed(ask.store, wanted, page),
        lambda row: str(row['name']),
    )
    made = [
        msgspec.convert(_fields(row, ask.fresh_us), host.Host) for row in found
    ]
    return host.Hosts(hosts=made, links=links)


def show(ask: Plain) -> host.HostDetail:
    """Return one host."""
    row = hosts.one(ask.store, ask.path['name'])
    if row is None:
        raise problem.unknown()
    report = outlook = None
    if row['record'] is not None:
        report = codec.decode(row['record'], host_report.HostReport)
    if row['outlook'] is not None:
        outlook = codec.decode(row['outlook'], inventory.Outlook)
    fields = msgspec.convert(_fields(row, ask.fresh_us), host.Host)
    return host.HostDetail(
        **msgspec.structs.asdict(fields),
        hurts=report.hurts if report else [],
        minutes=report.minutes if report else [],
        guests=report.instances if report else [],
        ledger=_ledger(ask, report) if report else None,
        outlook=outlook,
        missing=report.missing if report else {},
        agent=report.agent if report else None,
    )


def _ledger(
    ask: Plain, report: host_report.HostReport
) -> ledger.HostLedger | None:
    if report.ledger_source is None:
        return None
    seen = sight.of(ask.store, ask.scope, report.entities)
    most = len(report.entities)
    window_us = report.window_s * 1_000_000
    return ledger.HostLedger(
        host=report.host,
        since_us=max(0, report.time_us - window_us),
        until_us=report.time_us,
        measured_us=window_us,
        parties=[seen.who(who) for who in report.entities],
        charges=[one for one in report.charges if max(one[:2]) < most],
    )


def aggregates(ask: Plain) -> host.Aggregates:
    """Return all aggregates."""
    found = hosts.aggregates(ask.store)
    return host.Aggregates(
        aggregates=[host.Group(name=name, hosts=n) for name, n in found]
    )


def zones(ask: Plain) -> host.Zones:
    """Return all availability zones."""
    found = hosts.zones(ask.store)
    return host.Zones(
        availability_zones=[
            host.Group(name=name, hosts=n) for name, n in found
        ]
    )


def _fields(row: paging.Row, fresh_us: int) -> dict[str, Any]:
    return {
        **row,
        'aggregates': row['aggregates'] or [],
        'state': hosts.state(row, fresh_us),
        'suffering': suffering(row['wanted_cores'], row['waited_cores']),
    }


def suffering(wanted: float | None, waited: float | None) -> float | None:
    """Return the part of what was wanted that waited."""
    if wanted is None or waited is None:
        return None
    return min(1.0, waited / wanted) if wanted > 0 else 0.0
