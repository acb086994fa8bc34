# SPDX-License-Identifier: Apache-2.0
"""Configuration findings, and whose instances they are about."""

from collections.abc import Sequence

import sqlalchemy as sa

from kvm_insight.model import configuration
from kvm_insight.store import table, text
from kvm_insight.store.write import identity, standing, told, upsert

_Finding = told.Told[configuration.Finding]
_OF = table.CONFIGURATION_FINDING


def write(connection: sa.Connection, records: Sequence[_Finding]) -> None:
    """Write the newest word of each; what was taken back stays known."""
    kept = told.newest(records, standing.of)
    known = standing.known(connection, _OF, kept)
    numbers = _Numbers(connection, records)
    rows = [
        numbers.row(key, one)
        for key, one in kept.items()
        if key not in known or standing.of(one) >= known[key]
    ]
    upsert.put(connection, _OF, rows)
    standing.close(connection, _OF, configuration.Finding, records)


class _Numbers:
    """Hosts, instances and projects of some findings.

    Of older words, too: whatever order they come in, all are known after.
    """

    def __init__(
        self, connection: sa.Connection, said: Sequence[_Finding]
    ) -> None:
        found = [one.record for one in said if one.record]
        self._hosts = identity.hosts(connection, {one.host for one in found})
        seen, named = [], {}
        for one in found:
            party = one.party
            if party is None:
                continue
            if party.uuid is not None:
                us = one.opened_us
                seen.append(identity.Seen(party.uuid, us, us))
            if party.project_id:
                named[party.project_id] = party.project_name
        self._instances = identity.instances(connection, seen)
        self._projects = identity.projects(connection, named)

    def row(self, key: str, said: _Finding) -> upsert.Row:
        """Return the finding's row."""
        one = said.record
        assert one is not None
        party = one.party
        return {
            'id': key,
            'check': text.key(one.check),
            'host_id': self._hosts[one.host],
            'instance_id': party and self._instances.get(party.uuid or ''),
            'project_id': party and self._projects.get(party.project_id or ''),
            'severity': one.severity,
            'state': one.state,
            'opened_us': one.opened_us,
            'updated_us': one.updated_us,
            'closed_us': one.closed_us,
            'record': said.raw,
        }
