# SPDX-License-Identifier: Apache-2.0
"""Rows of Placement: providers, and who holds what of them."""

from collections.abc import Iterator

from benchmarks import cloud_primitives
from benchmarks import cloud_sql as sql

_TRAITS = 45
#: What Placement answers says when it was changed last.
_SINCE = {'created_at': sql.NOW, 'updated_at': sql.NOW}


def placement(shape: sql.Shape) -> Iterator[str]:
    """Yield SQL for all of Placement's database."""
    yield sql.many(
        'resource_providers',
        shape.hosts,
        **_SINCE,
        id='seq',
        uuid=sql.uuid('provider'),
        name="concat('host-',seq)",
        generation=3,
        root_provider_id='seq',
    )
    for number, (total, reserved, ratio) in enumerate(
        ((64, 0, 4.0), (524288, 4096, 1.0), (4000, 0, 1.0))
    ):
        yield sql.many(
            'inventories',
            shape.hosts,
            **_SINCE,
            resource_provider_id='seq',
            resource_class_id=_class(number),
            total=total,
            reserved=reserved,
            min_unit=1,
            max_unit=total,
            step_size=1,
            allocation_ratio=ratio,
        )
    yield (
        'insert into resource_provider_traits'
        ' (created_at,updated_at,trait_id,resource_provider_id)'
        f' select {sql.NOW},{sql.NOW},t.id,seq from'
        f" (select id from traits where name like 'HW_CPU%' order by id"
        f' limit {_TRAITS}) t,'
        f' seq_1_to_{shape.hosts};'
    )
    yield (
        'insert into placement_aggregates (created_at,updated_at,id,uuid)'
        f' select {sql.NOW},{sql.NOW},seq,'
        f'{sql.uuid("aggregate")} from seq_1_to_{len(sql.ZONES)};'
    )
    yield sql.many(
        'resource_provider_aggregates',
        shape.hosts,
        **_SINCE,
        resource_provider_id='seq',
        aggregate_id=f'(seq%{len(sql.ZONES)})+1',
    )
    yield from _consumers(shape)


def _class(number: int) -> str:
    name = ('VCPU', 'MEMORY_MB', 'DISK_GB')[number]
    return f"(select id from resource_classes where name='{name}')"


def _consumers(shape: sql.Shape) -> Iterator[str]:
    for name, count in (('project', sql.PROJECTS), ('user', sql.USERS)):
        key = sql.key(name, 'seq')
        yield sql.many(
            f'{name}s', count, **_SINCE, id='seq+10', external_id=key
        )
    yield sql.many(
        'consumers',
        shape.servers,
        **_SINCE,
        id='seq',
        uuid=sql.uuid('server'),
        project_id=f'(seq%{sql.PROJECTS})+11',
        user_id=f'(seq%{sql.USERS})+11',
        generation=1,
    )
    for kind, one in enumerate(cloud_primitives.FLAVORS):
        for number, used in enumerate((one.vcpus, one.memory_mb, one.disk_gb)):
            yield sql.many(
                'allocations',
                shape.servers,
                sql.of_flavor(kind),
                **_SINCE,
                resource_provider_id=sql.at(shape),
                consumer_id=sql.uuid('server'),
                resource_class_id=_class(number),
                used=used,
            )
