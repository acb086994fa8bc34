# SPDX-License-Identifier: Apache-2.0
"""Ledgers: who waited for whom."""

from kvm_insight.api import asking, moment, problem, sight
from kvm_insight.api.resource import document, ledger, party
from kvm_insight.store import hosts, hours, instances, scope

Asked = asking.Ask[document.Between, None]

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


def _lines(sums: list[tuple[party.Party, int]]) -> list[ledger.Line]:
    return [ledger.Line(party=who, waited_us=us) for who, us in sums]


def _period(ask: Asked) -> tuple[int, int]:
    query = ask.query
    return moment.period(query.since, query.until, ask.now_us, _LONGEST_US)
