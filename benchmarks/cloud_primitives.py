# SPDX-License-Identifier: Apache-2.0
"""Primitives: what Nova keeps of a server as JSON in its databases."""

import dataclasses
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
#: Nova 34's; an API refuses to start beside much older ones.
SERVICE_VERSION = 74


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor."""

    name: str
    vcpus: int
    memory_mb: int
    disk_gb: int
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)


FLAVORS = (
    Flavor('m1.tiny', 1, 512, 1),
    Flavor('m1.small', 1, 2048, 20),
    Flavor('m1.medium', 2, 4096, 40, {'hw:mem_page_size': 'small'}),
    Flavor('m1.large', 4, 8192, 80, {'quota:cpu_shares': '1024'}),
    Flavor(
        'c1.large',
        4,
        4096,
        20,
        {'trait:HW_CPU_X86_AVX2': 'required', 'quota:cpu_quota': '50000'},
    ),
)
#: A server's system metadata, most of it its image's properties.
IMAGE = {
    'image_base_image_ref': '0b2f5b4f-6e0a-4d0e-9d0b-4e3f2b1a0c9d',
    'image_min_ram': '0',
    'image_min_disk': '20',
    'image_disk_format': 'qcow2',
    'image_container_format': 'bare',
    'image_hw_disk_bus': 'virtio',
    'image_hw_vif_model': 'virtio',
    'image_hw_machine_type': 'pc-q35-7.2',
    'image_hw_qemu_guest_agent': 'yes',
    'image_os_distro': 'debian',
    'owner_project_name': 'project',
    'boot_roles': 'member,reader',
}
CPU = {
    'arch': 'x86_64',
    'model': 'Cascadelake-Server-noTSX',
    'vendor': 'Intel',
    'topology': {'cells': 2, 'sockets': 1, 'cores': 16, 'threads': 2},
    'features': [f'feature{number}' for number in range(100)],
}
_PORT: Json = {
    'id': '9d7a3b36-5c1f-4f0e-8f3b-0a4f6b8f2c11',
    'address': 'fa:16:3e:00:00:01',
    'network': {
        'id': '4a1c36de-9f0d-4b8e-9a53-51dc2e5f1f77',
        'bridge': 'br-int',
        'label': 'private',
        'subnets': [
            {
                'cidr': '10.0.0.0/16',
                'dns': [],
                'gateway': {
                    'address': '10.0.0.1',
                    'type': 'gateway',
                    'version': 4,
                    'meta': {},
                },
                'ips': [
                    {
                        'address': '10.0.0.9',
                        'type': 'fixed',
                        'version': 4,
                        'meta': {},
                        'floating_ips': [],
                    }
                ],
                'routes': [],
                'version': 4,
                'meta': {'dhcp_server': '10.0.0.2'},
            }
        ],
        'meta': {'injected': False, 'tenant_id': 'x', 'mtu': 1450},
    },
    'type': 'ovs',
    'details': {'port_filter': True},
    'devname': 'tap9d7a3b36-5c',
    'ovs_interfaceid': '9d7a3b36-5c1f-4f0e-8f3b-0a4f6b8f2c11',
    'qbh_params': None,
    'qbg_params': None,
    'active': True,
    'vnic_type': 'normal',
    'profile': {},
    'preserve_on_delete': False,
    'delegate_create': True,
    'meta': {},
}
PORTS = [_PORT]


def primitive(name: str, version: str, /, **data: object) -> Json:
    """Return one of Nova's objects as it is written."""
    return {
        'nova_object.name': name,
        'nova_object.namespace': 'nova',
        'nova_object.version': version,
        'nova_object.data': data,
    }


NO_DEVICES = primitive('PciDevicePoolList', '1.1', objects=[])
NO_KEYS = primitive('KeyPairList', '1.3', objects=[])


def _flavor(one: Flavor) -> Json:
    return primitive(
        'Flavor',
        '1.2',
        id=1 + FLAVORS.index(one),
        name=one.name,
        flavorid=one.name,
        memory_mb=one.memory_mb,
        vcpus=one.vcpus,
        root_gb=one.disk_gb,
        ephemeral_gb=0,
        swap=0,
        rxtx_factor=1.0,
        vcpu_weight=0,
        disabled=False,
        is_public=True,
        extra_specs=dict(one.extra_specs),
        description=None,
        created_at='2026-01-01T00:00:00Z',
        updated_at=None,
        deleted_at=None,
        deleted=False,
    )


def held_flavor(one: Flavor) -> Json:
    """Return the flavor of a server."""
    return {'cur': _flavor(one), 'old': None, 'new': None}


def request_spec(one: Flavor, zone: str | None) -> Json:
    """Return what was asked of the scheduler."""
    return primitive(
        'RequestSpec',
        '1.15',
        flavor=_flavor(one),
        image=primitive(
            'ImageMeta',
            '1.8',
            id=IMAGE['image_base_image_ref'],
            name='debian-13',
            status='active',
            container_format='bare',
            disk_format='qcow2',
            min_ram=0,
            min_disk=20,
            size=400000000,
            properties=primitive(
                'ImageMetaProps',
                '1.38',
                hw_disk_bus='virtio',
                hw_vif_model='virtio',
                hw_machine_type='pc-q35-7.2',
                os_distro='debian',
            ),
        ),
        numa_topology=None,
        pci_requests=primitive('InstancePCIRequests', '1.1', requests=[]),
        project_id='project',
        user_id='user',
        availability_zone=zone,
        num_instances=1,
        force_hosts=None,
        force_nodes=None,
        ignore_hosts=None,
        retry=None,
        limits=primitive('SchedulerLimits', '1.0'),
        instance_group=None,
        scheduler_hints={},
        is_bfv=False,
        requested_destination=None,
        security_groups=primitive('SecurityGroupList', '1.1', objects=[]),
    )
