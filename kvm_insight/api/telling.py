# SPDX-License-Identifier: Apache-2.0
"""Telling: findings, as far as the one who asks may know."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight.api import sight, wording
from kvm_insight.api.resource import finding as resource
from kvm_insight.api.resource import party
from kvm_insight.model import codec, finding
from kvm_insight.store import paging, scope


class Telling:
    """Some findings, and who is meant in them."""

    def __init__(
        self,
        store: sa.Connection,
        whose: scope.Scope,
        rows: Sequence[paging.Row],
    ) -> None:
        """Read whoever is named in these."""
        self._whose = whose
        self._records = {
            row['id']: codec.decode(row['record'], finding.Finding)
            for row in rows
        }
        names = [
            name
            for one in self._records.values()
            for name in (
                one.victim.entity,
                *(who.party.entity for who in one.aggressors),
                *one.accounts,
            )
        ]
        self._sight = sight.of(store, whose, names)

    def short(self, row: paging.Row, ident: str) -> resource.Finding:
        """Return it as lists have it."""
        return resource.Finding(**self._fields(row, ident))

    def long(self, row: paging.Row, ident: str) -> resource.FindingDetail:
        """Return it with what it was drawn from."""
        one = self._records[row['id']]
        fields = self._fields(row, ident)
        detail = resource.FindingDetail(
            **fields,
            accounts=[
                resource.Account(party=who, lost_us=us)
                for who, us in self._sight.sums(one.accounts)
            ],
            coverage=one.evidence.coverage,
            suffering=one.evidence.suffering,
            baseline=one.evidence.baseline,
            baseline_source=one.evidence.baseline_source,
        )
        if not self._sight.is_operator:
            return detail
        return _with(detail, one)

    def _fields(self, row: paging.Row, ident: str) -> dict[str, Any]:
        one = self._records[row['id']]
        victim = self._victim(one)
        aggressors = list(self._aggressors(one))
        found: dict[str, Any] = {
            'id': ident,
            'state': row['state'],
            'role': 'all' if self._sight.is_operator else 'victim',
            'host_id': self._host_id(row['host'], one),
            'resource': one.resource,
            'verdict': one.verdict,
            'cause': one.cause,
            'victim': victim,
            'aggressors': aggressors,
            'confidence': one.confidence,
            'severity_cores': one.severity_cores,
            'lost_us': one.lost_us,
            'opened_us': one.opened_us,
            'updated_us': one.updated_us,
            'closed_us': one.closed_us,
            'closed_reason': one.closed_reason,
        }
        if self._sight.is_operator:
            return {**found, 'host': row['host'], 'summary': one.summary}
        words = wording.summary(one, victim, aggressors)
        return {**found, 'summary': words}

    def _victim(self, one: finding.Finding) -> party.Party:
        seen = self._sight.who(one.victim.entity)
        if seen.kind != 'other projects':
            return seen
        # Its own, but nothing else is known of it any more.
        return party.Party(
            kind='instance',
            uuid=one.victim.uuid,
            name=one.victim.instance_name or one.victim.name,
            project_id=one.victim.project_id,
        )

    def _host_id(self, host: str, one: finding.Finding) -> str | None:
        if isinstance(self._whose, scope.Project):
            return sight.host_id(host, self._whose.uuid)
        return sight.host_id(host, one.victim.project_id)

    def _aggressors(
        self, one: finding.Finding
    ) -> Iterator[resource.Aggressor]:
        """Yield those who may be named; all others of a kind are one."""
        if self._sight.is_operator:
            for who in one.aggressors:
                yield _aggressor(self._sight.who(who.party.entity), [who])
            return
        by_party: dict[party.Party, list[finding.Aggressor]] = {}
        for who in one.aggressors:
            seen = self._sight.who(who.party.entity)
            by_party.setdefault(seen, []).append(who)
        for seen, some in by_party.items():
            yield _aggressor(seen, some)


def _aggressor(
    seen: party.Party, some: Iterable[finding.Aggressor]
) -> resource.Aggressor:
    many = list(some)
    is_known = seen.kind != 'other projects'
    return resource.Aggressor(
        party=seen,
        waited_us=sum(one.waited_us for one in many),
        blame=min(1.0, sum(one.blame for one in many)),
        excess_cores=(
            sum(one.excess_cores for one in many) if is_known else None
        ),
    )


def _with(
    detail: resource.FindingDetail, one: finding.Finding
) -> resource.FindingDetail:
    fields = {name: getattr(detail, name) for name in detail.__struct_fields__}
    return resource.FindingDetail(**{**fields, 'record': one})
