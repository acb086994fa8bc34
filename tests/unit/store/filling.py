# SPDX-License-Identifier: Apache-2.0
"""Fills a database with hours and findings, the plain way: no updates."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import codec, finding, usage
from kvm_insight.store import engine, rollup, schema, settings, table
from kvm_insight.store.write import days, hour_row

#: It may be any number of 31 bits.
PART = 2**31 - 5


@contextlib.contextmanager
def memory() -> Iterator[sa.Engine]:
    """Give an empty database that nobody else sees."""
    database = engine.connect(
        settings.Settings(connection='sqlite:///:memory:')
    )
    schema.metadata().create_all(database)
    try:
        yield database
    finally:
        database.dispose()


class Filling:
    """Puts records into a database."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._keys: dict[tuple[str, str], int] = {}

    def _key(self, rows: sa.Table, by: str, key: str, **more: Any) -> int:
        known = self._keys.get((rows.name, key)) or self._connection.scalar(
            sa.select(rows.c.id).where(rows.c[by] == key)
        )
        if known is None:
            done = self._connection.execute(
                sa.insert(rows).values({by: key, **more})
            )
            assert done.inserted_primary_key is not None
            known = int(done.inserted_primary_key[0])
        self._keys[rows.name, key] = known
        return known

    def project(self, uuid: str, name: str | None = None) -> int:
        return self._key(table.PROJECT, 'uuid', uuid, name=name)

    def host(self, name: str) -> int:
        return self._key(table.HOST, 'name', name)

    def instance(self, one: usage.Instance, start_us: int) -> int:
        key = self._key(
            table.INSTANCE,
            'uuid',
            one.uuid,
            project_id=self.project(one.project_id or 'unassigned'),
            name=one.instance_name or one.name,
            flavor=one.flavor,
            vcpus=one.vcpus,
            memory_bytes=one.memory_bytes,
            first_seen_us=start_us,
            last_seen_us=start_us,
        )
        seen = table.INSTANCE.c
        self._connection.execute(
            sa.update(table.INSTANCE)
            .where(seen.id == key)
            .values(last_seen_us=start_us + usage.HOUR_US)
        )
        return key

    def hours(self, records: Iterable[usage.HostUsage]) -> None:
        """Put many hours in, and the days once."""
        touched = days.Touched()
        for record in records:
            touched.instances |= self._put(record, PART).instances
        days.remake(self._connection, touched)

    def hour(self, record: usage.HostUsage, part: int = PART) -> None:
        """Put an hour in, and the days that it changes."""
        days.remake(self._connection, self._put(record, part))

    def _put(self, record: usage.HostUsage, part: int) -> days.Touched:
        host = self.host(record.host)
        instances = {
            one.uuid: self.instance(one, record.start_us)
            for one in record.instances
        }
        projects = {
            one.project_id: self.project(one.project_id)
            for one in record.instances
            if one.project_id
        }
        self._connection.execute(
            sa.insert(rollup.HOST_HOUR).values(
                hour_row.of_host(record, host) | {'part': part}
            )
        )
        rows = hour_row.of_instances(record, host, instances, projects)
        for row in rows:
            self._connection.execute(
                sa.insert(rollup.INSTANCE_HOUR).values(row | {'part': part})
            )
        return days.Touched(
            instances={(row['hour'] // 24, row['instance_id']) for row in rows}
        )

    def purged(self, hour: int) -> None:
        """Take away all hours before this one, but not their days."""
        for kept in (rollup.INSTANCE_HOUR, rollup.HOST_HOUR):
            self._connection.execute(sa.delete(kept).where(kept.c.hour < hour))

    def incident(self, found: finding.Finding) -> None:
        self._connection.execute(
            sa.insert(table.FINDING).values(
                id=found.id,
                host_id=self.host(found.host),
                **self._party(found.victim),
                state='closed' if found.closed_us else 'open',
                resource=found.resource,
                verdict=found.verdict,
                cause=found.cause,
                confidence=found.confidence,
                severity_cores=found.severity_cores,
                lost_us=found.lost_us,
                opened_us=found.opened_us,
                updated_us=found.updated_us,
                closed_us=found.closed_us,
                record=codec.encode(found),
            )
        )
        for position, one in enumerate(found.aggressors):
            self._connection.execute(
                sa.insert(table.AGGRESSOR).values(
                    finding_id=found.id,
                    position=position,
                    entity=one.party.entity,
                    **self._party(one.party),
                    blame=one.blame,
                    waited_us=one.waited_us,
                )
            )

    def _party(self, who: finding.Party) -> dict[str, int | None]:
        if who.uuid is None:
            return {'instance_id': None, 'project_id': None}
        one = usage.Instance(
            uuid=who.uuid, name=who.name, project_id=who.project_id
        )
        return {
            'instance_id': self._keys.get(('instance', who.uuid))
            or self.instance(one, 0),
            'project_id': self.project(who.project_id or 'unassigned'),
        }
