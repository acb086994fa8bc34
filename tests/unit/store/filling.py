# SPDX-License-Identifier: Apache-2.0
"""Fills a database with hours and findings, the plain way: no updates."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import codec, entity, finding, usage
from kvm_insight.store import (
    charges,
    engine,
    histogram,
    rollup,
    schema,
    settings,
    table,
)

_SUMS = (
    'measured_us',
    'run_us',
    'delay_us',
    'throttled_us',
    'polled_us',
    'trusted_us',
)

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

    def hour(self, record: usage.HostUsage, part: int = PART) -> None:
        host = self.host(record.host)
        hour = record.start_us // usage.HOUR_US
        self._connection.execute(
            sa.insert(rollup.HOST_HOUR).values(
                host_id=host,
                hour=hour,
                part=part,
                agent_id=record.agent_id,
                first_sequence=record.first_sequence,
                last_sequence=record.last_sequence,
                samples=record.samples,
                missing=record.missing,
                measured_us=record.measured_us,
                cpus=record.cpus,
                charges=charges.pack(record.entities, record.charges),
            )
        )
        for one in record.instances:
            key = self.instance(one, record.start_us)
            self._connection.execute(
                sa.insert(rollup.INSTANCE_HOUR).values(
                    instance_id=key,
                    hour=hour,
                    host_id=host,
                    part=part,
                    **_instance(record, one),
                    project_id=self.project(one.project_id or 'unassigned'),
                )
            )

    def day(self, day: int, one: usage.Instance) -> None:
        key = self.instance(one, day * 24 * usage.HOUR_US)
        empty = usage.HostUsage(
            host='h',
            start_us=0,
            agent_id='a',
            first_sequence=0,
            last_sequence=0,
        )
        self._connection.execute(
            sa.insert(rollup.INSTANCE_DAY).values(
                instance_id=key,
                day=day,
                **_instance(empty, one),
                project_id=self.project(one.project_id or 'unassigned'),
            )
        )

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


def _instance(
    record: usage.HostUsage, one: usage.Instance
) -> dict[str, object]:
    told: dict[str, object] = {name: getattr(one.cpu, name) for name in _SUMS}
    told |= {f'lost_{name}_us': us for name, us in one.cpu.lost_us.items()}
    told |= _waited(record, one)
    for device in ('disk', 'network', 'memory'):
        measured = getattr(one, device)
        if measured is not None:
            told |= {
                f'{device}_{name}': getattr(measured, name)
                for name in measured.__struct_fields__
            }
    return told | {
        'vcpus': one.vcpus,
        'memory_bytes': one.memory_bytes,
        'histogram': histogram.pack(one.cpu.histogram),
    }


def _waited(record: usage.HostUsage, one: usage.Instance) -> dict[str, object]:
    row = usage.row(record, one.uuid)
    own = entity.domain(one.uuid)
    column = usage.column(record, one.uuid)

    def part(names: Iterable[str]) -> int:
        return sum(row[name] for name in names)

    return {
        'waited_own_us': row.get(own, 0),
        'waited_quota_us': row.get(entity.QUOTA, 0),
        'waited_unattributed_us': row.get(entity.UNATTRIBUTED, 0),
        'waited_host_us': part(filter(entity.is_host, row)),
        'waited_neighbour_us': part(
            who for who in row if who != own and entity.uuid_of(who)
        ),
        'caused_us': sum(us for who, us in column.items() if who != own),
    }
