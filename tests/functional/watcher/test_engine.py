# SPDX-License-Identifier: Apache-2.0
"""Recommendations become actions of a real Watcher, or none."""

import json
import pathlib
import subprocess
import time
from typing import Any

import pytest

Json = dict[str, Any]
WORKER = pathlib.Path(__file__).with_name('engine.py')
ONE = '1cfa3f84-0b1b-4e3f-9a51-4a9e6b1d2c11'
TWO = '2cfa3f84-0b1b-4e3f-9a51-4a9e6b1d2c22'


#: Stands for the time at which a file is written, long after this one is read.
NOW = -1


def recommended(name: str, *moves: tuple[str, str, str], **more: Any) -> Json:
    return {
        'id': name,
        'expires_us': int((time.time() + 24 * 3600) * 1e6),
        'mode': 'relieve',
        'state': 'proposed',
        'gain_core_s': 100.0,
        'cost_core_s': 10.0,
        'summary': '',
        'moves': [
            {'instance': a, 'source': b, 'destination': c, 'reason': ''}
            for a, b, c in moves
        ],
    } | more


def content(*found: Json, **more: Any) -> Json:
    return {
        'schema': 'kvm_insight.recommendations/1',
        'written_us': NOW,
        'generation': 1,
        'recommendations': list(found),
    } | more


def case(
    value: Json | bytes | None,
    one: Json | None = None,
    b: Json | None = None,
    **parameters: Any,
) -> Json:
    """Return a file's content and the cluster beside it."""
    return {
        'value': value,
        'parameters': parameters,
        'nodes': {'a': {}, 'b': b or {}, 'c': {}},
        'instances': {ONE: {'host': 'a'} | (one or {}), TWO: {'host': 'b'}},
    }


GOOD = recommended('good', (ONE, 'a', 'c'))
CASES: dict[str, tuple[Json, int, str]] = {
    'good': (case(content(GOOD)), 1, ''),
    'two at once': (
        case(content(GOOD, recommended('two', (TWO, 'b', 'c')))),
        2,
        '',
    ),
    'approved alone': (
        case(
            content(GOOD, recommended('x', (TWO, 'b', 'c'), state='approved')),
            only_approved=True,
        ),
        1,
        '',
    ),
    'expired': (case(content(GOOD | {'expires_us': 1})), 0, ''),
    'elsewhere': (case(content(GOOD), one={'host': 'c'}), 0, 'is on c by now'),
    'stopped': (case(content(GOOD), one={'state': 'stopped'}), 0, 'stopped'),
    'excluded': (
        case(content(GOOD), one={'watcher_exclude': True}),
        0,
        'not to be moved',
    ),
    'unknown instance': (
        case(content(recommended('x', ('f' * 8 + ONE[8:], 'a', 'b')))),
        0,
        'InstanceNotFound',
    ),
    'unknown host': (
        case(content(recommended('x', (ONE, 'a', 'd')))),
        0,
        'ComputeNodeNotFound',
    ),
    'disabled host': (
        case(
            content(recommended('x', (ONE, 'a', 'b'))),
            b={'status': 'disabled'},
        ),
        0,
        'not in use',
    ),
    'whole or not at all': (
        case(content(recommended('x', (ONE, 'a', 'c'), (TWO, 'c', 'a')))),
        0,
        'left before it is filled',
    ),
    'half of it is gone': (
        case(content(recommended('x', (ONE, 'a', 'c'), (TWO, 'a', 'c')))),
        0,
        'is on b by now',
    ),
    'missing': (case(None), 0, 'No such file'),
    'old': (case(content(GOOD, written_us=1)), 0, 'not written within'),
    'another schema': (case(content(GOOD, schema='x/2')), 0, 'not say'),
    'empty': (case(b''), 0, 'damaged'),
    'no list': (case(content(recommendations=3)), 0, 'damaged'),
    'no moves': (case(content({'id': 'x', 'state': 'y'})), 0, 'left out'),
    'deep': (case(b'[' * 100_000), 0, 'damaged'),
}


@pytest.fixture(scope='module')
def answers(
    watcher_python: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Json:
    """What Watcher makes of all cases."""
    folder = tmp_path_factory.mktemp('watcher')
    requests = []
    for number, (asked, _, _) in enumerate(CASES.values()):
        path = folder / f'{number}.json'
        value = asked['value']
        if isinstance(value, bytes):
            path.write_bytes(value)
        elif value is not None:
            if value['written_us'] == NOW:
                value = value | {'written_us': time.time_ns() // 1000}
            path.write_text(json.dumps(value))
        parameters = asked['parameters'] | {'path': str(path)}
        rest = {name: asked[name] for name in ('nodes', 'instances')}
        requests.append({'parameters': parameters, **rest})
    done = subprocess.run(
        [watcher_python, '-W', 'ignore', WORKER, folder],
        input=json.dumps(requests),
        stdout=subprocess.PIPE,
        text=True,
        timeout=280,
        check=True,
    )
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize('name', CASES)
def test_what_watcher_plans(answers: Json, name: str) -> None:
    answer = answers['answers'][list(CASES).index(name)]
    _, moves, words = CASES[name]
    assert len(answer['actions']) == moves, answer
    if words:
        assert any(words in line for line in answer['log']), answer


def test_an_action_is_what_watchers_applier_takes(answers: Json) -> None:
    (action,) = answers['answers'][0]['actions']
    assert action == [
        'migrate',
        {
            'migration_type': 'live',
            'source_node': 'a',
            'destination_node': 'c',
            'resource_name': 'i-1cfa',
            'resource_id': ONE,
        },
    ]


def test_watcher_needs_nothing_else_of_ours(answers: Json) -> None:
    assert answers['loaded'] == [
        'kvm_insight.feed',
        'kvm_insight.feed.watcher_strategy',
    ]
