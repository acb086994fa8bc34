# SPDX-License-Identifier: Apache-2.0
"""Plans are claimed in a real Placement, step by step, and none is refused."""

import logging
import random
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from moves import claims, random_cluster

from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import orders, planning, settings

pytestmark = pytest.mark.filterwarnings('ignore')
MODES: tuple[recommendation.Mode, ...] = ('relieve', 'evacuate', 'balance')
RULES = settings.Settings(rounds=5)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Placement logs each refusal and each start."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def cloud(seed: int) -> cluster.Cluster:
    shape = random_cluster.Shape(6, 7, 3, grouped=0.4, tight=0.5)
    return random_cluster.make(shape, np.random.default_rng(seed))


def planned(
    whole: cluster.Cluster, mode: recommendation.Mode
) -> list[recommendation.Recommendation]:
    said = orders.Orders(
        evacuate=(whole.hosts[0].name,) if mode == 'evacuate' else ()
    )
    dice = np.random.default_rng(0)
    return planning.plan(whole, RULES, said, dice, mode).recommendations


def claimed(
    whole: cluster.Cluster, made: list[recommendation.Recommendation]
) -> tuple[int, list[str]]:
    told = [msgspec.to_builtins(one) for one in made]
    with claims.Placement() as service:
        return claims.claim(
            service, msgspec.to_builtins(whole), told, random.Random(3)
        )


def test_placement_refuses_no_move_of_a_plan() -> None:
    moves = 0
    for number in range(9):
        whole = cloud(9000 + number)
        made = planned(whole, MODES[number % len(MODES)])
        if made and moves < 8:
            done, refused = claimed(whole, made)
            assert refused == []
            moves += done
    assert moves >= 5


def test_placement_does_refuse_what_does_not_fit() -> None:
    whole = cloud(9001)
    made = planned(whole, 'relieve')
    full = {
        host.name: {
            kind: msgspec.structs.replace(
                one,
                used=int((one.total - one.reserved) * one.allocation_ratio),
            )
            for kind, one in host.inventories.items()
        }
        for host in whole.hosts
    }
    hosts = [
        msgspec.structs.replace(host, inventories=full[host.name])
        for host in whole.hosts
    ]
    done, refused = claimed(msgspec.structs.replace(whole, hosts=hosts), made)
    assert done == 0
    assert len(refused) == len(made) > 0
