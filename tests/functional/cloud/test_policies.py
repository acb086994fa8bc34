# SPDX-License-Identifier: Apache-2.0
"""Each policy file lets its role do what it is for, and the one for reading
lets nobody change anything."""

import json
from typing import Any

import pytest
from cloud import tenancy

from kvm_insight import exception
from kvm_insight.cloud import client, keystone, placement_traits
from tests.functional.cloud import conftest

pytestmark = pytest.mark.timeout(900)

TRAIT = placement_traits.TRAIT
SPEAK = '2.90'


def provider(stage: conftest.Stage) -> str:
    path = '/resource_providers?name=compute1'
    (found,) = stage.api.call('GET', 'placement', path)['resource_providers']
    return str(found['uuid'])


def test_who_may_mark_gives_the_trait_and_takes_all_of_it_away(
    stage: conftest.Stage,
) -> None:
    host = provider(stage)
    traits = placement_traits.connect(stage.asked(tenancy.MARKER, direct=True))
    try:
        assert traits.holders() == {}
        traits.create()
        assert traits.give(host, lambda: True)
        assert traits.holders() == {host: 'compute1'}
        assert traits.take(host, lambda: True)
        assert traits.holders() == {}
    finally:
        traits.close()


def test_who_may_only_read_marks_nobody(stage: conftest.Stage) -> None:
    host = provider(stage)
    traits = placement_traits.connect(stage.asked(direct=True))
    try:
        for work in (
            traits.create,
            traits.holders,
            lambda: traits.give(host, lambda: True),
        ):
            with pytest.raises(exception.CloudRefused, match='403'):
                work()
    finally:
        traits.close()


def body_for(host: str) -> dict[str, Any]:
    return {'os-migrateLive': {'host': host, 'block_migration': 'auto'}}


def test_who_may_move_looks_moves_and_aborts_in_any_project(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    uuid = servers['b1']
    path = f'/servers/{uuid}'
    source = stage.on(uuid)
    target = next(x for x in stage.cloud.computes if x != source)
    with client.Client(stage.asked(tenancy.MOVER, direct=True)) as ask:
        found = json.loads(ask.get('compute', path, SPEAK))['server']
        assert found['OS-EXT-SRV-ATTR:host'] == source
        told = json.loads(ask.get('compute', f'{path}/migrations', SPEAK))
        assert told == {'migrations': []}
        # Nothing is under way; who may not abort is told 403.
        with pytest.raises(exception.CloudUnavailable, match='409'):
            ask.ask('compute', 'DELETE', f'{path}/migrations/999', SPEAK)
        action = f'{path}/action'
        ask.ask('compute', 'POST', action, SPEAK, body_for(target))

        def arrived() -> bool:
            now = json.loads(ask.get('compute', path, SPEAK))['server']
            host = now['OS-EXT-SRV-ATTR:host']
            return bool((host, now['status']) == (target, 'ACTIVE'))

        conftest.within(120, arrived)


def test_who_may_only_read_moves_nobody(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    path = f'/servers/{servers["b1"]}'
    with client.Client(stage.asked(direct=True)) as ask:
        for method, what, body in (
            ('GET', path, None),
            ('DELETE', path, None),
            ('POST', f'{path}/action', body_for('compute2')),
        ):
            with pytest.raises(exception.CloudError, match=r'40[34]'):
                ask.ask('compute', method, what, SPEAK, body)
    assert stage.server(servers['b1'])['status'] == 'ACTIVE'


def test_who_may_move_in_nova_is_nobody_in_keystone_and_placement(
    stage: conftest.Stage,
) -> None:
    with client.Client(stage.asked(tenancy.MOVER, direct=True)) as ask:
        with pytest.raises(exception.CloudRefused, match='403'):
            ask.get('identity', '/users')
        with pytest.raises(exception.CloudRefused, match='403'):
            ask.ask('placement', 'PUT', f'/traits/{TRAIT}', '1.36')


def test_a_user_is_looked_up_and_nobody_is_listed(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    owner = str(stage.server(servers['a1'])['user_id'])
    with client.Client(stage.asked(direct=True)) as ask:
        assert keystone.read_user(ask, owner) == 'tenant-a'
        with pytest.raises(exception.CloudGone):
            keystone.read_user(ask, '0' * 32)
        with pytest.raises(exception.CloudRefused, match='403'):
            ask.get('identity', '/users')
    with (
        client.Client(
            stage.asked('tenant-b', 'tenant-b', direct=True)
        ) as other,
        pytest.raises(exception.CloudRefused, match='403'),
    ):
        keystone.read_user(other, owner)
