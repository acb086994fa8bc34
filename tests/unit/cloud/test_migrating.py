# SPDX-License-Identifier: Apache-2.0
"""What the actuator asks Nova, and what it makes of the answers."""

import json
from typing import Any

import pytest

from kvm_insight import exception
from kvm_insight.cloud import client, migrating, settings
from kvm_insight.model import recommendation, sight

UUID = '1cfa3f84-0b1b-4e3f-9a51-4a9e6b1d2c11'
MOVE = recommendation.Move(
    instance=UUID,
    source='here/c1',
    destination='here/c2',
    role='aggressor',
    gain_core_s=1.0,
    gain_p95_core_s=1.0,
    cost_core_s=1.0,
    duration_s=1.0,
    downtime_s=1.0,
    memory_bytes=1,
    risk=0.0,
    reason='it is loud',
)
SERVER = {
    'id': UUID,
    'OS-EXT-SRV-ATTR:host': 'c1',
    'OS-EXT-STS:vm_state': 'active',
    'OS-EXT-STS:task_state': None,
}
MIGRATION = {
    'id': 7,
    'uuid': 'e1',
    'status': 'running',
    'dest_compute': 'c2',
    'memory_total_bytes': 1000,
    'memory_remaining_bytes': 250,
}


class Wire(client.Client):
    """Stands where HTTP is."""

    def __init__(self, asked: settings.Settings) -> None:
        self.server: dict[str, Any] = dict(SERVER)
        self.under_way: list[dict[str, Any]] = []
        self.ended: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, object]] = []
        self.error: Exception | None = None

    def close(self) -> None:
        pass

    def newest(self, service: client.Service) -> tuple[int, int]:
        return (2, 104)

    def ask(
        self,
        service: client.Service,
        method: str,
        path: str,
        version: str | None = None,
        body: object = None,
    ) -> bytes:
        assert version == '2.100'
        if self.error is not None:
            raise self.error
        if method != 'GET':
            self.asked.append((method, path, body))
            return b''
        if path == f'/servers/{UUID}':
            return json.dumps({'server': self.server}).encode()
        found = self.ended
        if path == f'/servers/{UUID}/migrations':
            found = self.under_way
        else:
            assert f'instance_uuid={UUID}' in path
            assert 'migration_type=live-migration' in path
        return json.dumps({'migrations': found}).encode()


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> migrating.Migrating:
    monkeypatch.setattr(client, 'Client', Wire)
    return migrating.Migrating(
        settings.Settings(region='here', region_in_names=True)
    )


def wire(one: migrating.Migrating) -> Wire:
    found = one._ask
    assert isinstance(found, Wire)
    return found


def test_what_is_under_way_goes_before_what_ended(
    one: migrating.Migrating,
) -> None:
    assert one.look(MOVE) == sight.Sight('here/c1')
    wire(one).ended = [MIGRATION | {'status': 'error', 'uuid': 'e0'}]
    seen = one.look(MOVE).migration
    assert seen is not None
    assert (seen.id, seen.state, seen.words) == ('e0', 'failed', 'error')
    wire(one).under_way = [MIGRATION]
    assert one.look(MOVE).migration == sight.Migration(
        'e1', 'running', 'here/c2', 0.75, 'running', 7
    )


def test_it_asks_for_the_host_as_nova_names_it_and_aborts_by_number(
    one: migrating.Migrating,
) -> None:
    one.begin(MOVE)
    wire(one).under_way = [MIGRATION]
    seen = one.look(MOVE).migration
    assert seen is not None
    one.abort(MOVE, seen)
    body = {'os-migrateLive': {'host': 'c2', 'block_migration': 'auto'}}
    assert wire(one).asked == [
        ('POST', f'/servers/{UUID}/action', body),
        ('DELETE', f'/servers/{UUID}/migrations/7', None),
    ]
    assert one.stop_words(MOVE, seen).endswith(f'{UUID} 7')


def test_a_server_that_is_gone_is_nowhere(one: migrating.Migrating) -> None:
    wire(one).error = exception.CloudGone('Nova answers 404')
    assert one.look(MOVE).host is None


def test_who_may_not_see_the_host_is_told_what_is_missing(
    one: migrating.Migrating,
) -> None:
    del wire(one).server['OS-EXT-SRV-ATTR:host']
    with pytest.raises(exception.CloudRefused, match='admin'):
        one.look(MOVE)


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (exception.CloudDeclined('409'), exception.MoveDeclined),
        (exception.CloudGone('404'), exception.MoveDeclined),
        (exception.CloudRefused('403'), exception.CloudRefused),
        (exception.CloudUnavailable('503'), exception.CloudUnavailable),
    ],
)
def test_a_no_is_told_from_silence(
    one: migrating.Migrating, error: Exception, expected: type[Exception]
) -> None:
    wire(one).error = error
    with pytest.raises(expected):
        one.begin(MOVE)
