# SPDX-License-Identifier: Apache-2.0
"""Small clusters for tests: one hot host, and others that could help."""

from typing import Any

import msgspec
import numpy as np

from kvm_insight.model import cluster, recommendation, sample
from kvm_insight.recommend import orders, planning, settings

GIB = 1 << 30
NOW_US = 1_790_000_000_000_000
RULES = settings.Settings(rounds=5)


def uuid(number: int) -> str:
    return f'{number:08x}-0000-4000-8000-000000000000'


def peak(cores: float) -> cluster.Peak:
    return cluster.Peak(horizon_s=3600, p50_cores=cores, p95_cores=cores * 1.1)


def load(used: float, cores: float = 16.0, **more: Any) -> cluster.HostLoad:
    return cluster.HostLoad(
        time_us=NOW_US,
        capacity_cores=cores,
        used_cores=used,
        memory_bytes=128 * GIB,
        memory_used_bytes=16 * GIB,
        peaks=[peak(used)],
        **more,
    )


def host(name: str, used: float = 1.0, **more: Any) -> cluster.Host:
    return cluster.Host(
        name=name,
        **{
            'provider': uuid(int.from_bytes(name.encode()[-3:])),
            'inventories': {
                'VCPU': cluster.Inventory(total=16, allocation_ratio=4.0),
                'MEMORY_MB': cluster.Inventory(total=131072),
            },
            'availability_zone': 'az1',
            'load': load(used),
            **more,
        },
    )


def instance(
    number: int, where: str, used: float = 3.0, **more: Any
) -> cluster.Instance:
    return cluster.Instance(
        uuid=uuid(number),
        host=where,
        **{
            'name': f'vm{number}',
            'project_id': 'p1',
            'resources': {'VCPU': 4, 'MEMORY_MB': 8192},
            'memory_bytes': 8 * GIB,
            'load': cluster.InstanceLoad(used_cores=used, peaks=[peak(used)]),
            **more,
        },
    )


def flavor(**specs: str) -> sample.Flavor:
    """Two underscores in a name stand for the colon of an extra spec."""
    return sample.Flavor(
        name='f',
        extra_specs={k.replace('__', ':'): v for k, v in specs.items()},
    )


def hot(
    others: list[cluster.Host], count: int = 6, **more: Any
) -> cluster.Cluster:
    """Return a hot host ``hot`` with so many alike, and the others."""
    return cluster.Cluster(
        time_us=NOW_US,
        hosts=[host('hot', 3.0 * count, **more.pop('host', {})), *others],
        instances=[
            instance(n + 1, 'hot', **more.pop(f'vm{n + 1}', {}))
            for n in range(count)
        ],
        **more,
    )


def plan(
    whole: cluster.Cluster,
    mode: recommendation.Mode = 'relieve',
    said: orders.Orders | None = None,
    rules: settings.Settings = RULES,
) -> planning.Plan:
    return planning.plan(
        whole, rules, said or orders.Orders(), np.random.default_rng(0), mode
    )


def moves(made: planning.Plan) -> list[recommendation.Move]:
    return [move for one in made.recommendations for move in one.moves]


def each(whole: cluster.Cluster, **changes: Any) -> cluster.Cluster:
    """Return the cluster with all its instances changed alike."""
    return msgspec.structs.replace(
        whole,
        instances=[
            msgspec.structs.replace(one, **changes) for one in whole.instances
        ],
    )
