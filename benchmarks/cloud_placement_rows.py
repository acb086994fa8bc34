# SPDX-License-Identifier: Apache-2.0
"""Rows of Placement: providers, and who holds what of them."""

from collections.abc import Iterator

from benchmarks import cloud_primitives
from benchmarks import cloud_sql as sql

_TRAITS = 45


def placement(shape: sql.Shape) -> Iterator[str]:
    """Yield SQL for all of Placement's database."""
    yield sql.many(
        'resource_providers',
        shape.hosts,
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
        'insert into resource_provider_traits (trait_id,resource_provider_id)'
        ' select t.id, seq from (select id from traits where name like'
        f" 'HW_CPU%' order by id limit {_TRAITS}) t,"
        f' seq_1_to_{shape.hosts};'
    )
    yield (
        'insert into placement_aggregates (id,uuid) select seq,'
        f'{sql.uuid("aggregate")} from seq_1_to_{len(sql.ZONES)};'
    )
    yield sql.many(
        'resource_provider_aggregates',
        shape.hosts,
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
        yield sql.many(f'{name}s', count, id='seq+10', external_id=key)
    yield sql.many(
        'consumers',
        shape.servers,
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
                resource_provider_id=sql.at(shape),
                consumer_id=sql.uuid('server'),
                resource_class_id=_class(number),
                used=used,
            )
