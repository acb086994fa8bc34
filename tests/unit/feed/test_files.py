# SPDX-License-Identifier: Apache-2.0
"""The files that Nova's scheduler and Watcher read."""

import json
import pathlib
import stat
from typing import Any

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.feed import file, port, recommendation_file, snapshot
from kvm_insight.model import mark, recommendation
from kvm_insight.recommend import heat
from tests import golden


def publish(name: str, key: str, value: bytes) -> None:
    raise AssertionError(name)


def yes() -> bool:
    return True


def told(**more: Any) -> port.Told:
    marks = mark.Marks(
        time_us=1, hosts=[mark.Mark(host='r/a', heat=0.9, since_us=1)]
    )
    heats = {
        'r/a': heat.Heat(0.9, 1),
        'r/b': heat.Heat(0.3, 1),
        'r/cool': heat.Heat(0.01, 1),
        'other/a': heat.Heat(0.8, 1),
    }
    return port.Told(3, 1000, marks, heats, **more)


def test_a_snapshot_has_the_hot_hosts_of_its_region(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'nova.json'
    feed = snapshot.Snapshot(
        {'snapshot_path': str(path), 'region': 'r'}, publish
    )
    feed.write(told(), yes)
    content = json.loads(path.read_text())
    assert content.pop('written_us') > 1_700_000_000_000_000
    assert content == {
        'schema': 'kvm_insight.snapshot/1',
        'hosts': {
            'a': {'heat': 0.9, 'marked': True},
            'b': {'heat': 0.3, 'marked': False},
        },
    }
    assert list(feed.would(told())) == [
        f'write {path}:',
        '  a: heat 0.90, marked',
        '  b: heat 0.30',
    ]
    assert feed.clear(yes) == [f'deleted {path}']
    assert feed.clear(yes) == []


def test_without_a_region_hosts_keep_their_names(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'nova.json'
    snapshot.Snapshot({'snapshot_path': str(path)}, publish).write(told(), yes)
    hosts = json.loads(path.read_text())['hosts']
    assert set(hosts) == {'r/a', 'r/b', 'other/a'}


def test_a_mark_of_a_host_that_is_not_known_now_is_left_out(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'nova.json'
    feed = snapshot.Snapshot({'snapshot_path': str(path)}, publish)
    feed.write(port.Told(3, 1000, told().marks), yes)
    assert json.loads(path.read_text())['hosts'] == {}


def test_others_may_read_it_and_nothing_else_is_left(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'nova.json'
    for number in range(3):
        file.replace(path, {'number': number})
    assert json.loads(path.read_text()) == {'number': 2}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'nowhere/nova.json'
    with pytest.raises(exception.FeedError, match='nowhere'):
        file.replace(path, {})


def made(**more: Any) -> recommendation.Recommendation:
    one = golden.recommended()
    moves = [
        msgspec.structs.replace(x, source='r/a', destination='r/b')
        for x in one.moves
    ]
    return msgspec.structs.replace(
        one,
        **{
            'state': 'proposed',
            'moves': moves,
            'expires_us': 2000,
            'validity': recommendation.Validity(),
            **more,
        },
    )


def test_only_what_may_be_carried_out_now_is_in_watchers_file(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'recommendations.json'
    feed = recommendation_file.RecommendationFile(
        {'recommendations_path': str(path), 'region': 'r'}, publish
    )
    elsewhere = made(id='elsewhere')
    moves = [
        msgspec.structs.replace(x, destination='other/b')
        for x in elsewhere.moves
    ]
    standing = [
        made(id='good'),
        made(id='approved', state='approved'),
        made(id='under way', state='executing'),
        made(id='over', expires_us=1000),
        made(id='bad', validity=recommendation.Validity(verdict='invalid')),
        msgspec.structs.replace(elsewhere, moves=moves),
    ]
    feed.write(told(standing=standing), yes)
    content = json.loads(path.read_text())
    assert content['schema'] == 'kvm_insight.recommendations/1'
    assert content['generation'] == 3
    ids = [one['id'] for one in content['recommendations']]
    assert ids == ['good', 'approved']
    move = content['recommendations'][0]['moves'][0]
    assert (move['source'], move['destination']) == ('a', 'b')
