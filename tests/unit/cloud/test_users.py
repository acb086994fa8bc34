# SPDX-License-Identifier: Apache-2.0
"""Names of users are read a few at a time, and nobody waits for them."""

import logging
import time

import pytest

from kvm_insight import exception
from kvm_insight.cloud import settings, users, watch
from tests.unit.cloud import wire


def ask(*known: str) -> wire.Wire:
    found = wire.Wire()
    for one in known:
        path = f'/users/{one}'
        found.answers['identity', path] = {'user': {'name': f'name of {one}'}}
    return found


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_bounded_number_is_read_at_a_time() -> None:
    names = [f'u{number:03}' for number in range(users.AT_A_TIME + 5)]
    there = ask(*names)
    one = users.Users(there)
    one.refresh(names)
    assert len(there.asked) == users.AT_A_TIME
    one.refresh(names)
    assert len(there.asked) == users.AT_A_TIME + 5
    assert one.names(names) == {name: f'name of {name}' for name in names}
    one.refresh(names)
    assert len(there.asked) == users.AT_A_TIME + 5


def test_a_name_is_read_again_after_a_day_and_kept_until_then() -> None:
    clock = Clock()
    there = ask('a')
    one = users.Users(there, clock)
    one.refresh(['a'])
    there.answers['identity', '/users/a'] = {'user': {'name': 'new'}}
    clock.now_s = 80000.0
    one.refresh(['a'])
    assert one.names(['a']) == {'a': 'name of a'}
    clock.now_s = 90000.0
    one.refresh(['a'])
    assert one.names(['a']) == {'a': 'new'}


def test_who_owns_nothing_any_more_is_forgotten() -> None:
    there = ask('a', 'b')
    one = users.Users(there)
    one.refresh(['a', 'b'])
    one.refresh(['b'])
    assert one.names(['a', 'b']) == {'b': 'name of b'}


def test_one_that_keystone_does_not_know_is_no_error_and_not_asked_again() -> (
    None
):
    there = ask('a')
    one = users.Users(there)
    one.refresh(['gone', 'a'])
    one.refresh(['gone', 'a'])
    assert one.names(['gone', 'a']) == {'a': 'name of a'}
    assert len(there.asked) == 2


def test_an_id_is_no_path() -> None:
    there = ask()
    users.Users(there).refresh(['../projects?x'])
    assert there.asked == ['/users/..%2Fprojects%3Fx']


@pytest.mark.parametrize(
    ('error', 'wait_s', 'said'),
    [
        (exception.CloudRefused('Keystone answers 403'), 3600.0, 1),
        (exception.CloudUnavailable('Keystone answers 503'), 60.0, 0),
    ],
)
def test_a_refusal_is_said_once_and_not_tried_at_each_poll(
    error: exception.CloudError,
    wait_s: float,
    said: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    clock = Clock()
    there = ask('a', 'b')
    one = users.Users(there, clock)
    one.refresh(['a'])
    there.error = error
    for clock.now_s in (1.0, 2.0, wait_s + 2.0):
        one.refresh(['a', 'b'])
        # What is known stays.
        assert one.names(['a', 'b']) == {'a': 'name of a'}
    assert caplog.text.count('users have no names') == said
    assert not [x for x in caplog.records if x.levelno > logging.INFO]
    there.error = None
    clock.now_s += wait_s / 2
    one.refresh(['a', 'b'])
    assert len(one.names(['a', 'b'])) == 1
    clock.now_s += wait_s
    one.refresh(['a', 'b'])
    assert len(one.names(['a', 'b'])) == 2


def test_what_nobody_thought_of_is_said_without_its_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    there = ask('a')
    there.error = RuntimeError('a password')
    users.Users(there).refresh(['a'])
    assert 'RuntimeError, from' in caplog.text
    assert 'a password' not in caplog.text


def test_nonsense_is_no_name() -> None:
    there = ask('a')
    there.answers['identity', '/users/a'] = {'user': {'name': 3}}
    one = users.Users(there)
    one.refresh(['a'])
    assert one.names(['a']) == {}


def test_the_next_poll_has_the_names_and_no_poll_waits_for_them() -> None:
    there = wire.Wire()
    owner = there.server('a1')['user_id'] = 'someone'
    path = f'/users/{owner}'
    there.answers['identity', path] = {'user': {'name': 'Jo'}}
    asked = settings.Settings(poll_s=0.05)
    with watch.Watch(asked, lambda _: there) as one:
        until = time.monotonic() + 20
        while True:
            try:
                found = one.read()
            except exception.CloudUnavailable:
                found = None
            if found is not None and found.users == {owner: 'Jo'}:
                break
            assert time.monotonic() < until
            time.sleep(0.01)
    (mine,) = (x for x in found.instances if x.name == 'a1')
    assert mine.user_id == owner
