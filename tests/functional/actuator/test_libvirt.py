# SPDX-License-Identifier: Apache-2.0
"""On plain hosts libvirt carries recommendations out, over TLS."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.cmd import feeding
from kvm_insight.feed import actuator, libvirt_actuator, port
from kvm_insight.model import (
    cluster,
    codec,
    execution,
)
from kvm_insight.recommend import heat, limits
from tests import golden
from tests.functional.actuator import conftest

FIRST, SECOND = conftest.HOSTS
_MIB = 1024**2


class Stage:
    """A recommendation for one guest, and actuators one after the other."""

    def __init__(self, pair: conftest.Pair, uuid: str, **more: object) -> None:
        self.pair, self.uuid = pair, uuid
        self.more = more
        self.said: list[execution.Execution] = []
        self.host = FIRST
        self.generation = 0
        self.one = golden.to_move(uuid, 'guest', FIRST, SECOND)
        self.start()

    def start(self) -> None:
        """Let a new one take over."""

        def publish(name: str, key: str, value: bytes) -> None:
            self.said.append(codec.decode(value, execution.Execution))

        self.generation += 1
        settings = {
            'actuator_uri': self.pair.uri,
            'actuator_only_approved': False,
            'actuator_at_once': 1,
            'actuator_limit_s': 120,
            'limits': limits.Limits(),
            'confirm': lambda: contextlib.nullcontext(lambda _: self.whole()),
            'start_events': feeding._start_events,
            **self.more,
        }
        self.feed = actuator.Actuator(settings, publish)

    def whole(self) -> cluster.Cluster:
        """What a file would say of both hosts."""
        return cluster.Cluster(
            time_us=time.time_ns() // 1000,
            hosts=[
                cluster.Host(
                    name=name,
                    inventories={
                        'VCPU': cluster.Inventory(
                            total=2, allocation_ratio=4.0
                        ),
                        'MEMORY_MB': cluster.Inventory(total=4096),
                    },
                )
                for name in (FIRST, SECOND)
            ],
            instances=[
                cluster.Instance(
                    uuid=self.uuid,
                    host=self.host,
                    resources={'VCPU': 1, 'MEMORY_MB': 128},
                    memory_bytes=128 * _MIB,
                )
            ],
        )

    def told(self) -> port.Told:
        now_us = time.time_ns() // 1000
        return port.Told(
            self.generation,
            now_us,
            heats={x: heat.Heat(0.0, now_us) for x in (FIRST, SECOND)},
            standing=[self.one],
            executions={one.recommendation: one for one in self.said},
        )

    def step(self) -> None:
        self.feed.write(self.told(), lambda: True)

    def until(self, done: Callable[[], object], within_s: float = 90) -> None:
        end = time.monotonic() + within_s
        while not done():
            assert time.monotonic() < end, self.said[-3:]
            self.step()
            time.sleep(0.2)

    @property
    def last(self) -> Any:
        return self.said[-1] if self.said else None

    def ended(self) -> bool:
        return self.last is not None and self.last.state in ('done', 'failed')


@pytest.fixture
def stage(pair: conftest.Pair) -> Iterator[Stage]:
    """A guest on the first host."""
    made = Stage(pair, pair.start('guest'))
    yield made
    made.feed.close()
    for lab in (pair.first, pair.second):
        lab.stop('guest')
        lab.virsh('undefine', 'guest', check=False)


def test_a_guest_is_moved_over_tls_and_seen_there(stage: Stage) -> None:
    lines = list(stage.feed.would(stage.told()))
    assert f'from {FIRST} to {SECOND}' in lines[0]
    stage.until(stage.ended)
    assert stage.last.state == 'done', stage.last
    assert stage.said[0].state == 'moving'
    assert stage.pair.first.names() == []
    assert stage.pair.second.names() == ['guest']
    assert stage.pair.second.virsh('domstate', 'guest').stdout.strip() == (
        'running'
    )


def test_a_persistent_domain_stays_defined_where_it_runs(
    stage: Stage,
) -> None:
    text = stage.pair.first.virsh('dumpxml', 'guest').stdout
    path = stage.pair.first.home / 'guest.xml'
    path.write_text(text)
    stage.pair.first.virsh('define', str(path))
    stage.until(stage.ended)
    assert stage.last.state == 'done', stage.last
    whole = ['list', '--all', '--name', '--persistent']
    assert stage.pair.first.virsh(*whole).stdout.split() == []
    assert stage.pair.second.virsh(*whole).stdout.split() == ['guest']


def slow(stage: Stage, mib_s: int) -> None:
    stage.pair.first.virsh(
        'migrate-setspeed', 'guest', str(mib_s), check=False
    )


#: Begins a migration, and is gone in the middle of it.
_DIES = """
import os, sys, time, msgspec
from kvm_insight.feed import libvirt_actuator
from kvm_insight.model import recommendation
move = msgspec.json.decode(sys.argv[2], type=recommendation.Move)
way = libvirt_actuator.Libvirt({'actuator_uri': sys.argv[1]})
way.begin(move)
until = time.monotonic() + 60
while (way.look(move).migration.copied_ratio or 0) == 0:
    assert time.monotonic() < until
    time.sleep(0.1)
os._exit(0)
"""


def test_who_takes_over_from_one_that_died_goes_on_with_its_migration(
    stage: Stage,
) -> None:
    slow(stage, 1)
    move = msgspec.json.encode(stage.one.moves[0]).decode()
    words = [sys.executable, '-c', _DIES, stage.pair.uri, move]
    subprocess.run(words, check=True, timeout=90)
    now_us = time.time_ns() // 1000
    stage.said.append(
        execution.Execution(
            recommendation=stage.one.id,
            state='moving',
            moves=1,
            tries=1,
            began_us=now_us,
            updated_us=now_us,
        )
    )
    stage.step()
    stage.step()
    assert stage.last.state == 'moving'
    assert stage.last.copied_ratio is not None
    slow(stage, 1000)
    stage.until(stage.ended)
    assert stage.last.state == 'done', stage.last
    assert stage.last.tries == 1
    assert stage.pair.second.names() == ['guest']


def test_what_takes_too_long_is_aborted_and_stays_where_it_was(
    stage: Stage,
) -> None:
    stage.more['actuator_limit_s'] = 3
    stage.start()
    slow(stage, 1)
    stage.until(stage.ended)
    assert (stage.last.state, stage.last.aborted) == ('failed', True)
    assert stage.pair.first.virsh('domstate', 'guest').stdout.strip() == (
        'running'
    )
    assert stage.pair.second.names() == []


def test_what_is_elsewhere_or_unknown_is_not_moved(stage: Stage) -> None:
    stage.host = SECOND
    stage.step()
    assert f'it is on {SECOND}' in stage.last.reason
    stage.host = FIRST
    stage.pair.first.stop('guest')
    lines = list(stage.feed.would(stage.told()))
    assert 'is not there any more' in lines[0]
    assert stage.last.state == 'waiting'


def test_a_host_that_is_away_is_an_error_that_names_it(
    pair: conftest.Pair,
) -> None:
    way = libvirt_actuator.Libvirt({'actuator_uri': pair.uri})
    move = golden.to_move('x', 'guest', '127.0.0.23', SECOND).moves[0]
    with pytest.raises(exception.FeedError, match=r'libvirt on 127\.0\.0\.23'):
        way.look(move)
    way.close()
