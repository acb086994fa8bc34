# SPDX-License-Identifier: Apache-2.0
"""Collectors beside each other: none costs another its data."""

import logging

import pytest

from kvm_insight import exception
from kvm_insight.observe import collector


def lacking() -> int:
    raise exception.NoData('PSI is off (boot with psi=1)')


def broken() -> int:
    raise exception.CollectorError('/proc/stat: "?"')


def bug() -> int:
    return int({'y': 1}['x'])


def test_what_one_lacks_is_told_once_at_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    board = collector.Board()
    for _ in range(3):
        assert board.run('pressure', lacking) is None
        account, missing = board.take()
        assert missing == {'pressure': 'PSI is off (boot with psi=1)'}
        assert account[0].success
    assert [r.levelname for r in caplog.records] == ['DEBUG']


def test_a_broken_one_fails_alone_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = collector.Board()
    assert board.run('cpu', broken) is None
    assert board.run('load', lambda: 5) == 5
    assert board.run('own', bug) is None
    account, missing = board.take()
    assert {line.name: line.success for line in account} == {
        'cpu': False,
        'load': True,
        'own': False,
    }
    assert account[2].error == "KeyError: 'x'"
    assert missing == {}
    assert 'Traceback' in caplog.text
    assert board.take() == ([], {})


def test_what_one_domain_has_is_not_missing() -> None:
    board = collector.Board()
    board.run('kvm', lacking)
    board.run('kvm', lambda: 5)
    assert board.take()[1] == {}
    board.run('kvm', lacking)
    assert board.missing


def test_durations_of_one_collector_add_up() -> None:
    times = iter([0, 5_000, 5_000, 12_000])
    board = collector.Board(clock=lambda: next(times))
    board.run('kvm', lambda: 1)
    board.run('kvm', lambda: 1)
    account, _ = board.take()
    assert account[0].duration_us == 12
