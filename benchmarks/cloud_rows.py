# SPDX-License-Identifier: Apache-2.0
"""Rows: what Nova, Placement and Keystone have in their databases of a cloud
that never ran, so that their APIs tell of it.

Written as SQL over a sequence of numbers, since 30,000 boots would take days.
A server has what it would have after a boot: its flavor, its image's
properties, its port, its request, its allocations.
"""

from collections.abc import Iterator

from benchmarks import cloud_nova_rows, cloud_placement_rows
from benchmarks import cloud_sql as sql


def fill(shape: sql.Shape) -> Iterator[tuple[str, str]]:
    """Yield what is filled, and the SQL for it, in their order."""
    yield 'keystone', ''.join(_keystone())
    yield 'nova_api', ''.join(cloud_nova_rows.api(shape))
    yield 'nova', ''.join(cloud_nova_rows.cell(shape))
    yield 'placement', ''.join(cloud_placement_rows.placement(shape))


def _keystone() -> Iterator[str]:
    yield sql.many(
        'project',
        sql.PROJECTS,
        id=sql.key('project', 'seq'),
        name="concat('project-',seq)",
        extra="'{}'",
        description="''",
        enabled=1,
        domain_id="'default'",
        parent_id="'default'",
        is_domain=0,
    )
    yield sql.many(
        'user',
        sql.USERS,
        id=sql.key('user', 'seq'),
        domain_id="'default'",
        enabled=1,
        extra="'{}'",
        created_at=sql.NOW,
    )
    yield sql.many(
        'local_user',
        sql.USERS,
        user_id=sql.key('user', 'seq'),
        domain_id="'default'",
        name="concat('user-',seq)",
        failed_auth_count=0,
    )


def change(shape: sql.Shape) -> Iterator[tuple[str, str]]:
    """Yield SQL that changes 1 % of the servers: of each three one has a new
    name, one has moved to the next host, one is deleted."""
    count = shape.hosts
    yield (
        'nova',
        "update instances set display_name=concat('renamed-',id),"
        f'updated_at={sql.NOW} where id%300=1;'
        f"update instances set host=concat('host-',id%{count}+1),"
        f"node=concat('host-',id%{count}+1),compute_id=id%{count}+1,"
        f'updated_at={sql.NOW} where id%300=101;'
        "update instances set deleted=id,vm_state='deleted',"
        f'deleted_at={sql.NOW},terminated_at={sql.NOW},updated_at={sql.NOW}'
        ' where id%300=201;',
    )
    yield (
        'nova_api',
        'update instance_mappings set queued_for_delete=1'
        f' where instance_uuid in (select {sql.uuid("server")}'
        f' from seq_1_to_{shape.servers} where seq%300=201);',
    )
    yield (
        'placement',
        'update resource_providers set generation=generation+1 where id in'
        f' (select {sql.at(shape)} from seq_1_to_{shape.servers}'
        f' where seq%300=101 union select seq%{count}+1'
        f' from seq_1_to_{shape.servers} where seq%300=101);'
        'update allocations a join consumers c on c.uuid=a.consumer_id'
        f' set a.resource_provider_id=c.id%{count}+1 where c.id%300=101;'
        'delete a from allocations a join consumers c'
        ' on c.uuid=a.consumer_id where c.id%300=201;',
    )
