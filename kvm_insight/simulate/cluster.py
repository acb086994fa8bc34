# SPDX-License-Identifier: Apache-2.0
"""Cluster: what Placement and Nova would say of simulated hosts."""

from collections.abc import Sequence

import msgspec
import numpy

from kvm_insight.model import cluster, sample
from kvm_insight.simulate import plan, stage

MIB = 1 << 20
#: Nova's own default.
RATIO = 16.0
#: Hosts of one availability zone, one after the other.
_ZONE = 8
#: Guests of one project that must not share a host.
_GROUP = 3


def of(scenes: Sequence[stage.Scene], at_s: float) -> cluster.Cluster:
    """Return all hosts and the guests that are there at that time.

    What is measured is the demand of the five minutes before.
    """
    hosts = [_host(number, scene, at_s) for number, scene in enumerate(scenes)]
    instances = [one for scene in scenes for one in _instances(scene, at_s)]
    zones = sorted({one.aggregates[0] for one in hosts})
    grouped, groups = _grouped(instances)
    begin_us = scenes[0].agent.begin_us if scenes else 0
    return cluster.Cluster(
        time_us=begin_us + round(at_s * 1e6),
        hosts=hosts,
        instances=grouped,
        server_groups=groups,
        aggregates=[
            cluster.Aggregate(
                id=name, name=name, metadata={'availability_zone': name}
            )
            for name in zones
        ],
    )


def _host(number: int, scene: stage.Scene, at_s: float) -> cluster.Host:
    host = scene.host
    zone = f'zone-{number // _ZONE}'
    used = sum(_cores(scene, row, at_s) for row in range(len(host.guests)))
    return cluster.Host(
        name=host.name,
        provider=plan.uuid_of(scene.seed, host.name),
        inventories={
            'VCPU': cluster.Inventory(total=host.cpus, allocation_ratio=RATIO),
            'MEMORY_MB': cluster.Inventory(
                total=host.memory_bytes // MIB,
                allocation_ratio=1.5,
                reserved=min(2048, host.memory_bytes // MIB // 8),
            ),
        },
        traits=['HW_CPU_X86_AVX2', 'COMPUTE_NODE'],
        aggregates=[zone],
        availability_zone=zone,
        hypervisor_version=9_000_000,
        storage=['ceph'],
        nova_cell='cell1',
        load=cluster.HostLoad(
            time_us=scene.agent.begin_us + round(at_s * 1e6),
            capacity_cores=host.cpus * 0.95,
            used_cores=used,
            own_cores=host.cpus * 0.01,
            memory_bytes=host.memory_bytes,
        ),
    )


def _instances(scene: stage.Scene, at_s: float) -> list[cluster.Instance]:
    found = []
    for row, guest in enumerate(scene.host.guests):
        if not guest.starts_s <= at_s < guest.ends_s:
            continue
        found.append(
            cluster.Instance(
                uuid=guest.uuid,
                host=scene.host.name,
                name=guest.name,
                project_id=guest.project,
                resources={
                    'VCPU': guest.vcpus,
                    'MEMORY_MB': guest.memory_bytes // MIB,
                },
                flavor=sample.Flavor(
                    name=guest.flavor,
                    vcpus=guest.vcpus,
                    memory_bytes=guest.memory_bytes,
                ),
                storage='ceph',
                memory_bytes=guest.memory_bytes,
                cpu_mode='none',
                load=cluster.InstanceLoad(used_cores=_cores(scene, row, at_s)),
            )
        )
    return found


def _grouped(
    instances: list[cluster.Instance],
) -> tuple[list[cluster.Instance], list[cluster.ServerGroup]]:
    """Put the first of each project into a group; hosts already differ."""
    members: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for one in instances:
        hosts = members.setdefault(one.project_id, set())
        if len(hosts) < _GROUP and one.host not in hosts:
            hosts.add(one.host)
            names[one.uuid] = one.project_id
    groups = [
        cluster.ServerGroup(id=name, policy='anti-affinity')
        for name in sorted(members)
    ]
    found = [
        msgspec.structs.replace(one, server_group=names.get(one.uuid))
        for one in instances
    ]
    return found, groups


def _cores(scene: stage.Scene, row: int, at_s: float) -> float:
    step_s = scene.wants.step_s
    end = max(1, int(at_s / step_s))
    begin = max(0, end - int(300 / step_s))
    return float(numpy.mean(scene.wants.wanted[row, begin:end]))
