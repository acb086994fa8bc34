# SPDX-License-Identifier: Apache-2.0
"""A dirty rate is asked for before a move is told, and counts in its cost."""

import dataclasses

import msgspec
import pytest

from kvm_insight.model import codec, control
from kvm_insight.recommend import turn
from tests.scenario import small_cloud as cloud
from tests.unit.recommend import test_turn

S = test_turn.S


class Stage(test_turn.Stage):
    """Whose planner asks; nobody has a dirty rate unless it is told."""

    def __init__(self) -> None:
        self.rates: dict[str, int] = {}
        super().__init__()
        self.limits = dataclasses.replace(self.limits, dirty_rates=True)

    def report(self) -> None:
        super().report()
        for name, one in self.seen.reports.items():
            self.seen.reports[name] = msgspec.structs.replace(
                one,
                instances=[
                    msgspec.structs.replace(
                        each, dirty_rate_bytes_s=self.rates.get(each.uuid)
                    )
                    for each in one.instances
                ],
            )

    def hear(self, said: turn.Said) -> set[str]:
        """Let what was asked be heard; return whom it is about."""
        asked = set()
        for key, one in said.asks.items():
            value = None if one is None else codec.encode(one)
            self.seen.take_order(key, value)
            if one is not None:
                assert one.kind == 'dirty_rate'
                assert control.holds(one, self.now_us)
                asked.add(one.subject)
        return asked

    def answer_all(self, rate: int) -> None:
        self.rates = {one.uuid: rate for one in self.guests}


def test_off_by_default_nobody_is_asked() -> None:
    said = test_turn.Stage().take()
    assert said.recommendations
    assert said.asks == {}


def test_only_those_that_would_move_are_asked_and_the_plan_waits() -> None:
    stage = Stage()
    said = stage.take()
    assert said.recommendations == []
    asked = stage.hear(said)
    usual = test_turn.Stage().take().recommendations
    assert asked == {move.instance for one in usual for move in one.moves}
    stage.pass_by(60)
    again = stage.take()
    assert (again.recommendations, again.asks) == ([], {})


def test_an_answer_lets_the_plan_go_on_and_counts_in_the_cost() -> None:
    costs = []
    for rate in (1_000_000, 700_000_000):
        stage = Stage()
        stage.hear(stage.take())
        stage.answer_all(rate)
        stage.pass_by(60)
        said = stage.take()
        assert said.asks == {}
        (move,) = said.recommendations[0].moves
        costs.append(move.duration_s)
    assert costs[1] > 2 * costs[0]


def test_who_dirties_faster_than_can_be_copied_is_not_moved() -> None:
    stage = Stage()
    stage.answer_all(2_000_000_000)
    stage.pass_by(60)
    said = stage.take()
    assert said.recommendations == []
    reasons = [why for stay in said.stays for why in stay.reasons]
    assert any('dirties its memory faster' in why for why in reasons)


def test_without_an_answer_it_goes_on_after_three_minutes() -> None:
    stage = Stage()
    stage.hear(stage.take())
    stage.pass_by(179)
    assert stage.take().recommendations == []
    stage.pass_by(1)
    said = stage.take()
    assert said.recommendations
    assert said.asks == {}


def test_what_was_asked_is_taken_back_in_the_end() -> None:
    stage = Stage()
    stage.hear(stage.take())
    (key,) = stage.seen.said
    stage.hurting = []
    stage.guests = [
        dataclasses.replace(one, cores=0.1) for one in stage.guests
    ]
    stage.pass_by(890)
    assert stage.take().asks == {}
    stage.pass_by(10)
    said = stage.take()
    assert said.asks == {key: None}
    stage.hear(said)
    assert stage.seen.said == {}


@pytest.mark.parametrize('who', ['ann', None])
def test_what_people_asked_is_theirs(who: str | None) -> None:
    stage = Stage()
    one = control.Order(
        kind='dirty_rate',
        about='instance',
        subject=cloud.uuid_of('cool-1-a'),
        by=who,
        made_us=stage.now_us - 10_000 * S,
    )
    stage.seen.take_order(control.key(one), codec.encode(one))
    assert control.key(one) not in stage.take().asks


def test_what_stands_already_is_not_held_back() -> None:
    stage = Stage()
    stage.answer_all(1_000_000)
    stage.pass_by(60)
    (one,) = stage.take().recommendations
    stage.rates = {}
    stage.pass_by(890)
    said = stage.take()
    assert said.asks == {}
    assert one.id in stage.seen.known
