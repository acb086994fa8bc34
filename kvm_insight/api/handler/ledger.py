# SPDX-License-Identifier: Apache-2.0
"""Ledgers: who waited for whom."""

from kvm_insight.api import asking, moment, problem, sight
from kvm_insight.api.resource import document, ledger, party
from kvm_insight.model import codec, entity, host_report
from kvm_insight.store import hosts, hours, instances, paging, scope

Asked = asking.Ask[document.Between, None]
Plain = asking.Ask[document.Query, None]

_LONGEST_US = 31 * moment.DAY_US


def of_host(ask: Asked) -> ledger.HostLedger:
    """Return the matrix of who waited for whom on a host."""
    name = ask.path['name']
    number = hosts.number(ask.store, name)
    if number is None:
        raise problem.unknown()
    since_us, until_us = _period(ask)
    measured_us, found = hours.matrix(ask.store, number, since_us, until_us)
    names = sorted({who for pair in found for who in pair})
    seen = sight.of(ask.store, scope.Everything(), names)
    place = {who: number for number, who in enumerate(names)}
    charges = [
        (place[victim], place[runner], us)
        for (victim, runner), us in found.items()
    ]
    return ledger.HostLedger(
        host=name,
        since_us=since_us,
        until_us=until_us,
        measured_us=measured_us,
        parties=[seen.who(who) for who in names],
        charges=sorted(charges, key=lambda one: (-one[2], one)),
    )


def of_instance(ask: Asked) -> ledger.InstanceLedger:
    """Return for whom an instance waited, and who waited for it."""
    uuid = ask.path['uuid']
    if instances.one(ask.store, ask.scope, uuid) is None:
        raise problem.unknown()
    since_us, until_us = _period(ask)
    found = hours.account(ask.store, ask.scope, uuid, since_us, until_us)
    names = [*found.suffered, *found.caused]
    seen = sight.of(ask.store, ask.scope, names)
    return ledger.InstanceLedger(
        uuid=uuid,
        since_us=since_us,
        until_us=until_us,
        measured_us=found.measured_us,
        delay_us=found.delay_us,
        suffered=_lines(seen.sums(found.suffered)),
        caused=_lines(seen.sums(found.caused)),
    )


def now(ask: Plain, row: paging.Row) -> ledger.Now | None:
    """Return for whom an instance waits, and who waits for it, by the newest
    report of its host; None where that does not tell."""
    if row['host'] is None or row['gone_us'] is not None:
        return None
    record = hosts.record(ask.store, row['host'])
    if record is None:
        return None
    report = codec.decode(record, host_report.HostReport)
    if report.ledger_source is None or report.time_us < ask.fresh_us:
        return None
    is_cut = len(report.charges) >= host_report.MOST_CHARGES
    if is_cut and not ask.is_operator:
        return None
    suffered, caused = host_report.account(report, entity.domain(row['uuid']))
    seen = sight.of(ask.store, ask.scope, [*suffered, *caused])
    return ledger.Now(
        since_us=max(0, report.time_us - report.window_s * 1_000_000),
        until_us=report.time_us,
        suffered=_lines(seen.sums(suffered)),
        caused=_lines(seen.sums(caused)),
    )


def _lines(sums: list[tuple[party.Party, int]]) -> list[ledger.Line]:
    return [ledger.Line(party=who, waited_us=us) for who, us in sums]


def _period(ask: Asked) -> tuple[int, int]:
    query = ask.query
    return moment.period(query.since, query.until, ask.now_us, _LONGEST_US)
