# SPDX-License-Identifier: Apache-2.0
"""Findings, and whom they name."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import configuration, finding
from kvm_insight.store import table, text
from kvm_insight.store.write import (
    configurations,
    identity,
    standing,
    told,
    upsert,
)

_Finding = told.Told[finding.Finding]


def write(
    connection: sa.Connection, records: Sequence[told.Told[Any]]
) -> None:
    """Write findings of all kinds: incidents, and what is set up badly."""
    kinds = (
        (finding.Finding, write_incidents),
        (configuration.Finding, configurations.write),
    )
    for kind, put in kinds:
        # What was taken back has no kind any more.
        part = [
            one
            for one in records
            if one.record is None or isinstance(one.record, kind)
        ]
        if part:
            put(connection, part)


def write_incidents(
    connection: sa.Connection, records: Sequence[_Finding]
) -> None:
    """Write the newest word of each; what was taken back stays known."""
    kept = told.newest(records, standing.of)
    known = standing.known(connection, table.FINDING, kept)
    fresh = {
        key: one
        for key, one in kept.items()
        if key not in known or standing.of(one) >= known[key]
    }
    numbers = _Numbers(connection, fresh)
    upsert.put(
        connection,
        table.FINDING,
        [numbers.row(key, one) for key, one in fresh.items()],
    )
    for part in upsert.chunks(sorted(fresh)):
        connection.execute(
            table.AGGRESSOR.delete().where(
                table.AGGRESSOR.c.finding_id.in_(part)
            )
        )
    rows = [
        row for key, one in fresh.items() for row in numbers.named(key, one)
    ]
    upsert.put(connection, table.AGGRESSOR, rows)
    standing.close(connection, table.FINDING, finding.Finding, records)


class _Numbers:
    """Hosts, instances and projects of some findings."""

    def __init__(
        self, connection: sa.Connection, found: Mapping[str, _Finding]
    ) -> None:
        records = [one.record for one in found.values() if one.record]
        self._hosts = identity.hosts(connection, {one.host for one in records})
        seen, named = [], {}
        for one in records:
            for party in _parties(one):
                if party.uuid is not None:
                    opened_us = one.opened_us
                    seen.append(
                        identity.Seen(party.uuid, opened_us, opened_us)
                    )
                if party.project_id:
                    named[party.project_id] = party.project_name
        self._instances = identity.instances(connection, seen)
        self._projects = identity.projects(connection, named)

    def row(self, key: str, said: _Finding) -> upsert.Row:
        """Return the finding's row."""
        one = said.record
        assert one is not None
        return {
            'id': key,
            'host_id': self._hosts[one.host],
            **self._of(one.victim),
            'state': 'closed' if one.state == 'closed' else 'open',
            'resource': one.resource,
            'verdict': one.verdict,
            'cause': one.cause,
            'confidence': one.confidence,
            'severity_cores': one.severity_cores,
            'lost_us': one.lost_us,
            'opened_us': one.opened_us,
            'updated_us': one.updated_us,
            'closed_us': one.closed_us,
            'closed_reason': one.closed_reason,
            'record': said.raw,
        }

    def named(self, key: str, said: _Finding) -> list[upsert.Row]:
        """Return the rows of whom it names."""
        assert said.record is not None
        return [
            {
                'finding_id': key,
                'position': position,
                'entity': text.key(one.party.entity),
                **self._of(one.party),
                'blame': one.blame,
                'waited_us': one.waited_us,
            }
            for position, one in enumerate(said.record.aggressors)
        ]

    def _of(self, party: finding.Party) -> upsert.Row:
        return {
            'instance_id': self._instances.get(party.uuid or ''),
            'project_id': self._projects.get(party.project_id or ''),
        }


def _parties(one: finding.Finding) -> list[finding.Party]:
    return [one.victim, *(each.party for each in one.aggressors)]
