# SPDX-License-Identifier: Apache-2.0
"""A real broker is killed, hangs, is away or refuses: no record is lost."""

import pathlib
from collections.abc import Callable, Mapping

import pytest
from broker import faults, node

SHORT = 2000
LONG = 20_000


Play = Callable[..., faults.Outcome]


@pytest.fixture(
    params=[SHORT, pytest.param(LONG, marks=pytest.mark.full)],
    ids=['short', 'long'],
)
def play(
    request: pytest.FixtureRequest,
    fragile: node.Broker,
    tmp_path: pathlib.Path,
) -> Play:
    """Produce through a fault."""

    def run(
        fault: Callable[[faults.Run], None],
        settings: Mapping[str, object] | None = None,
        *,
        away: bool = False,
    ) -> faults.Outcome:
        made = faults.Run(tmp_path, fragile, request.param, 400, settings)
        made.create_topic()
        if away:
            fragile.kill()
        return made.play(fault)

    return run


def assert_each_record_once(outcome: faults.Outcome) -> None:
    assert (outcome.lost, outcome.doubled) == (0, 0), outcome
    assert outcome.catch_up_s < 60


def test_a_broker_killed_three_times_loses_and_doubles_nothing(
    play: Play,
) -> None:
    assert_each_record_once(play(faults.killed_three_times))


def test_an_outage_beyond_the_delivery_timeout_wedges_nothing(
    play: Play,
) -> None:
    outcome = play(faults.outlasting, faults.LOWERED)
    assert_each_record_once(outcome)
    assert outcome.largest_spool > 500


def test_a_hung_broker_wedges_nothing(play: Play) -> None:
    """Batches in flight expire: the library's producer would be dumb."""
    outcome = play(faults.hanging, faults.LOWERED)
    assert_each_record_once(outcome)
    assert outcome.rebuilt > 0


def test_a_broker_that_comes_later_gets_everything(play: Play) -> None:
    assert_each_record_once(play(faults.away_at_start, away=True))


def test_a_wrong_password_is_one_line_and_the_spool_waits(
    play: Play, fragile: node.Broker
) -> None:
    outcome = play(faults.wrong_password, faults.with_wrong_password(fragile))
    assert_each_record_once(outcome)
    assert outcome.largest_spool == outcome.records
    (line,) = [line for line in outcome.lines if 'password' in line]
    assert 'wrong user or password' in line
    assert '\n' not in line
    assert len(outcome.lines) == 1
