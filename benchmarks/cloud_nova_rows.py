# SPDX-License-Identifier: Apache-2.0
"""Rows of Nova: what its API and its cell have in their databases."""

from collections.abc import Iterator

from benchmarks import cloud_primitives
from benchmarks import cloud_sql as sql

_GROUPS = 500


def api(shape: sql.Shape) -> Iterator[str]:
    """Yield SQL for the API's database."""
    cell = "(select id from cell_mappings where name='cell1')"
    yield sql.many(
        'host_mappings',
        shape.hosts,
        created_at=sql.NOW,
        cell_id=cell,
        host="concat('host-',seq)",
    )
    yield sql.many(
        'instance_mappings',
        shape.servers,
        created_at=sql.NOW,
        instance_uuid=sql.uuid('server'),
        cell_id=cell,
        **sql.owner(),
        queued_for_delete=0,
    )
    for number, one in enumerate(cloud_primitives.FLAVORS):
        yield (
            'insert into flavors (id,created_at,name,memory_mb,vcpus,root_gb,'
            'ephemeral_gb,flavorid,swap,rxtx_factor,disabled,is_public)'
            f" values ({number + 1},{sql.NOW},'{one.name}',{one.memory_mb},"
            f"{one.vcpus},{one.disk_gb},0,'{one.name}',0,1,0,1);"
        )
        for name, value in one.extra_specs.items():
            yield (
                'insert into flavor_extra_specs (`key`,value,flavor_id)'
                f" values ('{name}','{value}',{number + 1});"
            )
        for zone, sign in ((None, '<>'), ('north', '=')):
            chosen = f'{sql.at(shape)}%{len(sql.ZONES)}{sign}0'
            words = sql.text(cloud_primitives.request_spec(one, zone))
            yield sql.many(
                'request_specs',
                shape.servers,
                f'{sql.of_flavor(number)} and {chosen}',
                created_at=sql.NOW,
                instance_uuid=sql.uuid('server'),
                spec=words,
            )
    yield from _aggregates(shape)
    yield from _groups(shape)


def _aggregates(shape: sql.Shape) -> Iterator[str]:
    for number, zone in enumerate(sql.ZONES, 1):
        uuid = sql.uuid('aggregate', str(number))
        yield (
            'insert into aggregates (id,created_at,uuid,name) select'
            f" {number},{sql.NOW},{uuid},'{zone}';"
            'insert into aggregate_metadata (`key`,value,aggregate_id)'
            f" values ('availability_zone','{zone}',{number});"
        )
    yield sql.many(
        'aggregate_hosts',
        shape.hosts,
        host="concat('host-',seq)",
        aggregate_id=f'(seq%{len(sql.ZONES)})+1',
    )


def _groups(shape: sql.Shape) -> Iterator[str]:
    count = min(_GROUPS, shape.servers // 4)
    yield sql.many(
        'instance_groups',
        count,
        id='seq',
        created_at=sql.NOW,
        **sql.owner(),
        uuid=sql.uuid('group'),
        name="concat('group-',seq)",
    )
    yield sql.many(
        'instance_group_policy',
        count,
        group_id='seq',
        policy="'soft-anti-affinity'",
        rules="'{}'",
    )
    yield sql.many(
        'instance_group_member',
        count * 3,
        group_id=f'((seq-1)%{count})+1',
        instance_uuid=sql.uuid('server'),
    )


def cell(shape: sql.Shape) -> Iterator[str]:
    """Yield SQL for the cell's database."""
    yield sql.many(
        'services',
        shape.hosts,
        created_at=sql.NOW,
        # Nobody is there to say again that it is alive.
        last_seen_up=f'{sql.NOW} + interval 1 day',
        report_count=10,
        uuid=sql.uuid('service'),
        host="concat('host-',seq)",
        binary="'nova-compute'",
        topic="'compute'",
        disabled='seq%50=0',
        disabled_reason="if(seq%50=0,'maintenance',null)",
        forced_down=0,
        version=cloud_primitives.SERVICE_VERSION,
        deleted=0,
    )
    yield sql.many(
        'compute_nodes',
        shape.hosts,
        created_at=sql.NOW,
        updated_at=sql.NOW,
        uuid=sql.uuid('provider'),
        host="concat('host-',seq)",
        hypervisor_hostname="concat('host-',seq)",
        vcpus=64,
        memory_mb=524288,
        local_gb=4000,
        vcpus_used=60,
        memory_mb_used=200000,
        local_gb_used=600,
        free_ram_mb=324288,
        free_disk_gb=3400,
        current_workload=0,
        running_vms=30,
        hypervisor_type="'QEMU'",
        hypervisor_version=7002022,
        cpu_info=sql.text(cloud_primitives.CPU),
        host_ip="'10.0.0.1'",
        supported_instances=sql.text([['x86_64', 'kvm', 'hvm']]),
        stats="'{}'",
        pci_stats=sql.text(cloud_primitives.NO_DEVICES),
        ram_allocation_ratio=1.0,
        cpu_allocation_ratio=4.0,
        disk_allocation_ratio=1.0,
        mapped=1,
        deleted=0,
    )
    yield from _servers(shape)


def _servers(shape: sql.Shape) -> Iterator[str]:
    every = {'created_at': f'{sql.NOW} - interval 30 day', 'deleted': 0}
    mine = {'instance_uuid': sql.uuid('server')}
    for number, one in enumerate(cloud_primitives.FLAVORS):
        yield sql.many(
            'instances',
            shape.servers,
            sql.of_flavor(number),
            **every,
            id='seq',
            uuid=sql.uuid('server'),
            updated_at=f'{sql.NOW} - interval 20 day',
            launched_at=f'{sql.NOW} - interval 30 day',
            **sql.owner(),
            image_ref=sql.uuid('image', '1'),
            hostname="concat('server-',seq)",
            display_name="concat('server-',seq)",
            display_description="concat('server-',seq)",
            launch_index=0,
            power_state=1,
            vm_state="'active'",
            memory_mb=one.memory_mb,
            vcpus=one.vcpus,
            root_gb=one.disk_gb,
            ephemeral_gb=0,
            host=f"concat('host-',{sql.at(shape)})",
            node=f"concat('host-',{sql.at(shape)})",
            compute_id=sql.at(shape),
            launched_on=f"concat('host-',{sql.at(shape)})",
            instance_type_id=number + 1,
            reservation_id="concat('r-',seq)",
            availability_zone=(
                f"if({sql.at(shape)}%{len(sql.ZONES)}=0,'north',null)"
            ),
            locked=0,
            root_device_name="'/dev/vda'",
            config_drive="''",
            auto_disk_config=0,
            progress=0,
            shutdown_terminate=0,
            disable_terminate=0,
            cleaned=0,
            hidden=0,
        )
    for number, one in enumerate(cloud_primitives.FLAVORS):
        yield sql.many(
            'instance_extra',
            shape.servers,
            sql.of_flavor(number),
            **every,
            **mine,
            flavor=sql.text(cloud_primitives.held_flavor(one)),
            pci_requests="'[]'",
            keypairs=sql.text(cloud_primitives.NO_KEYS),
        )
    for name, value in cloud_primitives.IMAGE.items():
        yield sql.many(
            'instance_system_metadata',
            shape.servers,
            **every,
            **mine,
            key=sql.text(name),
            value=sql.text(value),
        )
    yield sql.many(
        'instance_info_caches',
        shape.servers,
        **every,
        **mine,
        network_info=sql.text(cloud_primitives.PORTS),
    )
    yield sql.many(
        'block_device_mapping',
        shape.servers,
        **every,
        **mine,
        uuid=sql.uuid('disk'),
        source_type="'image'",
        destination_type="'local'",
        device_type="'disk'",
        device_name="'/dev/vda'",
        boot_index=0,
        delete_on_termination=1,
        image_id=sql.uuid('image', '1'),
    )
