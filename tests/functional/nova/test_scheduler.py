# SPDX-License-Identifier: Apache-2.0
"""What Nova's scheduler does with our weigher and filter, and without."""

import json
import os
import pathlib
import random
import time
from typing import Any

import pytest

from kvm_insight.feed import port, snapshot
from kvm_insight.model import mark
from kvm_insight.recommend import heat
from tests.functional.nova import conftest

#: ``large`` is what Nova would take.
HOSTS: dict[str, dict[str, Any]] = {
    'large': {'ram': 8192},
    'middle': {'ram': 2048},
    'small': {'ram': 1024},
}
BY_NOVA = ['large', 'middle', 'small']


def write(
    path: pathlib.Path, heats: dict[str, float], *marked: str
) -> dict[str, Any]:
    """Write a snapshot as kvm-insight-feed does; return its content."""

    def publish(name: str, key: str, value: bytes) -> None:
        raise AssertionError(name)

    feed = snapshot.Snapshot({'snapshot_path': str(path)}, publish)
    told = port.Told(
        1,
        1,
        mark.Marks(
            time_us=1,
            hosts=[mark.Mark(host=x, heat=1.0, since_us=1) for x in marked],
        ),
        {name: heat.Heat(value, 1) for name, value in heats.items()},
    )
    feed.write(told, lambda: True)
    return dict(json.loads(path.read_text()))


def order(answer: dict[str, Any]) -> list[str]:
    return [name for name, _ in answer['weighed']]


def test_a_marked_host_is_left_and_taken_again_when_it_cooled(
    scheduler: conftest.Scheduler,
) -> None:
    write(scheduler.snapshot, {'large': 0.8, 'small': 0.0}, 'large')
    hot = scheduler.ask(HOSTS)
    assert order(hot) == ['middle', 'small', 'large']
    assert hot['passed'] == ['middle', 'small']
    write(scheduler.snapshot, {'large': 0.0})
    cool = scheduler.ask(HOSTS)
    assert order(cool) == cool['passed'] == BY_NOVA
    assert cool['log'] == []


def test_heat_weighs_also_without_a_mark(
    scheduler: conftest.Scheduler,
) -> None:
    write(scheduler.snapshot, {'large': 0.3, 'middle': 0.2})
    answer = scheduler.ask(HOSTS)
    assert order(answer) == ['small', 'middle', 'large']
    assert answer['passed'] == BY_NOVA


def test_a_little_heat_decides_only_between_hosts_that_are_alike(
    scheduler: conftest.Scheduler,
) -> None:
    write(scheduler.snapshot, {'large': 0.06})
    assert order(scheduler.ask(HOSTS)) == BY_NOVA
    alike: dict[str, dict[str, Any]] = {'large': {}, 'other': {}}
    assert order(scheduler.ask(alike)) == ['other', 'large']


def test_when_all_are_marked_all_pass(scheduler: conftest.Scheduler) -> None:
    write(scheduler.snapshot, dict.fromkeys(HOSTS, 0.9), *HOSTS)
    answer = scheduler.ask(HOSTS)
    assert answer['passed'] == order(answer) == BY_NOVA
    one = scheduler.ask({'large': {}})
    assert one['passed'] == ['large']


def test_an_aggregate_may_have_its_own_multiplier(
    scheduler: conftest.Scheduler,
) -> None:
    write(scheduler.snapshot, {'large': 0.9})

    def asked(word: str) -> list[str]:
        metadata = {'kvm_insight_weight_multiplier': word}
        return order(
            scheduler.ask(
                {
                    name: {**about, 'aggregates': [metadata]}
                    for name, about in HOSTS.items()
                }
            )
        )

    assert asked('0') == BY_NOVA
    assert asked('10') == asked('many') == ['middle', 'small', 'large']


def damages(path: pathlib.Path) -> dict[str, bytes]:
    """Return snapshots that are of no use -> their bytes."""
    good = write(path, {'large': 0.9}, 'large')
    old_us = good['written_us'] - 121 * 1_000_000
    later_us = good['written_us'] + 3600 * 1_000_000
    changes: dict[str, Any] = {
        'old': good | {'written_us': old_us},
        'of the future': good | {'written_us': later_us},
        'of another schema': good | {'schema': 'kvm_insight.snapshot/2'},
        'no hosts': good | {'hosts': [1, 2]},
        'no heat': good | {'hosts': {'large': {'marked': True}}},
        'no number': good | {'hosts': {'large': {'heat': {}, 'marked': 1}}},
        'no time': {'schema': snapshot.SCHEMA, 'hosts': {}},
        'a list': [good],
    }
    found = {name: json.dumps(x).encode() for name, x in changes.items()}
    whole = json.dumps(good).encode()
    return found | {
        'cut': whole[:-7],
        'empty': b'',
        'binary': bytes(range(256)),
        'deep': b'[' * 100_000,
    }


def test_without_a_good_snapshot_it_schedules_as_without_us(
    scheduler: conftest.Scheduler,
) -> None:
    missing = [scheduler.ask(HOSTS) for _ in range(3)]
    assert [order(one) for one in missing] == [BY_NOVA] * 3
    assert [len(one['log']) for one in missing] == [1, 0, 0]
    assert 'No such file' in missing[0]['log'][0]
    for name, value in damages(scheduler.snapshot).items():
        write(scheduler.snapshot, {'large': 0.9}, 'large')
        back = scheduler.ask(HOSTS)
        assert back['log'] == ['kvm_insight: the snapshot is back']
        assert order(back)[-1] == 'large'
        scheduler.snapshot.write_bytes(value)
        answers = [scheduler.ask(HOSTS) for _ in range(3)]
        for answer in answers:
            assert answer['passed'] == order(answer) == BY_NOVA, name
        assert [len(one['log']) for one in answers] == [1, 0, 0], name
        assert 'scheduling without it' in answers[0]['log'][0]


def test_a_snapshot_that_grows_old_in_place_is_noticed(
    scheduler: conftest.Scheduler,
) -> None:
    good = write(scheduler.snapshot, {'large': 0.9})
    good['written_us'] = int((time.time() - 118) * 1e6)
    scheduler.snapshot.write_text(json.dumps(good))
    assert order(scheduler.ask(HOSTS))[-1] == 'large'
    time.sleep(2.1)
    assert order(scheduler.ask(HOSTS)) == BY_NOVA


@pytest.mark.parametrize('kind', ['folder', 'pipe', 'unreadable'])
def test_what_is_no_file_hangs_nobody(
    scheduler: conftest.Scheduler, kind: str
) -> None:
    path = scheduler.snapshot
    if kind == 'folder':
        path.mkdir()
    elif kind == 'pipe':
        os.mkfifo(path)
    else:
        path.symlink_to('/proc/self/mem')
    answers = [scheduler.ask(HOSTS) for _ in range(2)]
    assert [order(one) for one in answers] == [BY_NOVA] * 2
    assert [len(one['log']) for one in answers] == [1, 0]


def test_random_damage_never_raises_out(
    scheduler: conftest.Scheduler,
) -> None:
    write(scheduler.snapshot, {'large': 0.9, 'middle': 0.1}, 'large')
    whole = scheduler.snapshot.read_bytes()
    dice = random.Random(6)
    for _ in range(300):
        value = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            value[dice.randrange(len(value))] = dice.randrange(256)
        scheduler.snapshot.write_bytes(value)
        answer = scheduler.ask(HOSTS)
        assert sorted(order(answer)) == sorted(BY_NOVA)
        assert answer['passed']


def test_nova_needs_nothing_else_of_ours(
    scheduler: conftest.Scheduler,
) -> None:
    assert scheduler.ask(HOSTS)['loaded'] == [
        'kvm_insight',
        'kvm_insight.feed',
        'kvm_insight.feed.nova_weigher',
    ]
