# SPDX-License-Identifier: Apache-2.0
"""Commands as they are, before a client that answers what it is told to."""

import argparse
import logging
import types
from collections.abc import Mapping
from typing import Any

import pytest

from kvm_insight.osc import ledger

HOUR_US = 3_600_000_000


class Fake:
    """Answers each question the same."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.answer = answer

    def get(self, *_: object, **__: object) -> Mapping[str, Any]:
        return self.answer


def host(pairs: int, measured_us: int = HOUR_US) -> dict[str, Any]:
    names = [{'kind': 'service', 'name': str(one)} for one in range(pairs + 1)]
    return {
        'since_us': 0,
        'until_us': HOUR_US,
        'measured_us': measured_us,
        'parties': names,
        'charges': [(0, one + 1, 10**9 - one) for one in range(pairs)],
    }


def rows(kind: Any, answer: Mapping[str, Any], *words: str) -> Any:
    """Return what a command shows."""
    manager = types.SimpleNamespace(insight=Fake(answer))
    app: Any = types.SimpleNamespace(client_manager=manager)
    made = kind(app, argparse.Namespace())
    parsed = made.get_parser('x').parse_args(list(words))
    return made.take_action(parsed)[1]


def test_a_large_ledger_shows_the_largest_and_says_how_many_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert len(rows(ledger.OfHost, host(190), 'r/h1')) == 20
    assert [one.getMessage() for one in caplog.records] == [
        'and 170 more, each smaller: --all shows them'
    ]


def test_all_of_it_is_shown_to_who_wants_that(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert len(rows(ledger.OfHost, host(190), 'r/h1', '--all')) == 190
    assert len(rows(ledger.OfHost, host(20), 'r/h1')) == 20
    assert caplog.records == []


@pytest.mark.parametrize('kind', [ledger.OfHost, ledger.OfInstance])
def test_within_the_first_hour_it_says_when_there_will_be_more(
    kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    empty = {**host(0, 0), 'delay_us': 0, 'suffered': [], 'caused': []}
    subject = '00000001-0000-4000-8000-000000000001'
    with caplog.at_level(logging.WARNING):
        assert rows(kind, empty, subject) == []
    (said,) = (one.getMessage() for one in caplog.records)
    assert 'an hour is written when it is over' in said
