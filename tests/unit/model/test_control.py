# SPDX-License-Identifier: Apache-2.0
"""When a word holds, in which matter it is; and who is heard at all."""

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import control, fence

S = 1_000_000


def order(kind: control.Kind, **more: object) -> control.Order:
    words = {'about': 'host', 'subject': 'r/1', 'made_us': 5, **more}
    return control.Order(kind=kind, **words)  # type: ignore[arg-type]


def test_approval_and_rejection_are_words_in_one_matter() -> None:
    about = {'about': 'recommendation', 'subject': 'x'}
    yes, no = order('approval', **about), order('rejection', **about)
    assert control.key(yes) == control.key(no)
    assert control.key(yes) != control.key(order('mute', **about))


def test_windows_of_one_subject_are_told_apart_by_name() -> None:
    night = order('blackout', name='night')
    week = order('blackout', name='week')
    assert control.key(night) != control.key(week)
    whole = order('blackout', about='cloud', subject='')
    assert control.key(whole) == 'blackout/cloud'


def test_without_times_it_holds_until_it_is_taken_back() -> None:
    assert control.holds(order('mute'), 0)
    assert control.holds(order('mute'), 2**52)


def test_it_holds_from_its_begin_to_its_end() -> None:
    one = order('mute', begins_us=10 * S, ends_us=20 * S)
    times = [9 * S, 10 * S, 20 * S - 1, 20 * S]
    assert [control.holds(one, at) for at in times] == [
        False, True, True, False,
    ]  # fmt: skip


@given(st.integers(0, 10_000))
def test_it_comes_again_each_time_as_long(seconds: int) -> None:
    one = order('blackout', begins_us=100 * S, ends_us=130 * S, every_s=300)
    expected = seconds >= 100 and (seconds - 100) % 300 < 30
    assert control.holds(one, seconds * S) == expected
    spell = control.spell(one, seconds * S)
    if spell is not None:
        assert spell[1] - spell[0] == 30 * S
        assert spell[0] <= seconds * S < spell[1]


@dataclasses.dataclass(frozen=True)
class Word:
    generation: int
    what: str = ''


def test_who_has_a_successor_is_not_heard_any_more() -> None:
    said = [Word(3, 'a'), Word(5, 'b'), Word(3, 'late'), Word(5, 'c')]
    assert [one.what for one in fence.admitted(said)] == ['a', 'b', 'c']
    assert list(fence.admitted(said, 6)) == []


@given(st.lists(st.integers(0, 20)))
def test_generations_never_go_back(numbers: list[int]) -> None:
    heard = [one.generation for one in fence.admitted(map(Word, numbers))]
    assert heard == sorted(heard)
    assert not numbers or max(numbers) == heard[-1]
