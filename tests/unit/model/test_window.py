# SPDX-License-Identifier: Apache-2.0
"""Windows slide by a sample, stay bounded, and take no gap for zero."""

from collections.abc import Mapping

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.model import charge, window

SECOND = 1_000_000


def push(
    series: window.Window,
    slot: window.Slot,
    values: Mapping[str, window.Values],
    charges: Mapping[str, Mapping[str, int]],
) -> None:
    rows = numpy.array(list(values.values()), numpy.int64).reshape(-1, 5)
    series.push(slot, window.Table(tuple(values), rows), charges)


def filled(
    intervals: list[int], values: window.Values | None = None
) -> window.Window:
    series = window.Window()
    now = 0
    for number, seconds in enumerate(intervals):
        now += seconds * SECOND
        slot = window.Slot(now, now, seconds * SECOND, number)
        value = values or window.Values(seconds * SECOND, seconds, 0, 0)
        push(series, slot, {'a': value}, {'a': {'b': number + 1}})
    return series


def test_thirty_seconds_are_three_samples_of_ten() -> None:
    sums = filled([10] * 9).sums([30])[0]
    assert sums[0, window.MEASURED] == 30 * SECOND
    assert sums[0, window.RUN] == 30 * SECOND


def test_a_jittering_interval_does_not_lose_a_sample() -> None:
    series = window.Window()
    now = 0
    for number, ms in enumerate([10_040, 9_960, 10_100, 9_900, 10_050]):
        now += ms * 1000
        slot = window.Slot(now, now, ms * 1000, number)
        push(series, slot, {'a': window.Values(1, 1)}, {})
    assert len(series.measured(30, 0)) == 3


def test_what_was_not_measured_is_missing_not_zero() -> None:
    series = filled([10] * 3)
    slot = window.Slot(40 * SECOND, 0, 10 * SECOND, 3)
    push(series, slot, {'a': window.Values()}, {})
    sums = series.sums([30])[0]
    assert sums[0, window.MEASURED] == 20 * SECOND


@given(st.lists(st.integers(1, 120), max_size=200))
def test_nothing_older_than_the_span_is_kept(intervals: list[int]) -> None:
    series = filled(intervals)
    assert len(series.slots) == len(series.values) == len(series.charges)
    assert len(series.slots) <= window.MOST_SLOTS
    if len(series.slots):
        oldest = series.slots[-1, 0] - series.slots[0, 0]
        assert oldest < window.SPAN_US


def test_an_entity_that_is_long_gone_gives_up_its_column() -> None:
    series = window.Window()
    for number in range(400):
        now = (number + 1) * 10 * SECOND
        slot = window.Slot(now, now, 10 * SECOND, number)
        push(series, slot, {f'service:{number}': window.Values(1, 0)}, {})
    assert len(series.entities) < 150


def test_columns_keep_their_meaning_when_others_are_given_up() -> None:
    series = window.Window()
    for number in range(400):
        now = (number + 1) * 10 * SECOND
        slot = window.Slot(now, now, 10 * SECOND, number)
        values = {
            'v': window.Values(7, 3),
            f'service:{number}': window.Values(1, 0),
        }
        push(series, slot, values, {'v': {'x': 5, f'gone:{number}': 2}})
    column = series.column('v')
    assert column is not None
    slots = series.measured(600, column)
    assert series.sums([600])[0][column, window.RUN] == 7 * len(slots)
    assert series.row(column, slots)['x'] == 5 * len(slots)


def test_a_row_keeps_the_largest_and_adds_up_the_rest() -> None:
    series = window.Window()
    charges = {f'e{number:02}': number for number in range(1, 31)}
    slot = window.Slot(SECOND, 0, SECOND, 0)
    push(series, slot, {'a': window.Values(1, 465)}, {'a': charges})
    row = series.row(0, [0])
    assert sum(row.values()) == sum(charges.values())
    assert row['e30'] == 30
    assert len(row) == charge.MOST + 1


def test_forgetting_hides_the_past_from_sums_rows_and_extent() -> None:
    series = filled([10] * 9)
    series.forget_before('a', 80 * SECOND)
    assert series.sums([600])[0][0, window.MEASURED] == 10 * SECOND
    extent = series.extent(600, 0)
    assert extent is not None
    assert extent.slots == 1
    assert extent.first == extent.last


def test_thirty_busy_domains_stay_within_their_memory() -> None:
    series = window.Window()
    names = [f'domain:{number}' for number in range(30)]
    row = dict.fromkeys(names, 100)
    for number in range(120):
        now = (number + 1) * 10 * SECOND
        slot = window.Slot(now, now, 10 * SECOND, number)
        values = dict.fromkeys(names, window.Values(1, 3000, 0, 0, 1))
        push(series, slot, values, dict.fromkeys(names, row))
    size = series.values.nbytes + series.slots.nbytes
    size += sum(map(len, series.charges))
    assert size / len(names) < 9 * 1024


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 200),
            st.sampled_from(['', 'forget', 'other', 'unknown', 'huge']),
        ),
        max_size=80,
    )
)
def test_sums_that_slide_are_those_of_the_slots(
    turns: list[tuple[int, str]],
) -> None:
    series = window.Window()
    now = 0
    for number, (seconds, event) in enumerate(turns):
        now += seconds * SECOND
        run = 2**40 if event == 'huge' else number
        values = {'a': window.Values(run, 1), 'b': window.Values(2, 3, 1, 1)}
        if event == 'unknown':
            values['a'] = window.Values()
        if event == 'other':
            values |= {f'{number}/{n}': window.Values(5, 5) for n in range(9)}
        if event == 'forget':
            series.forget_before('a', now)
        slot = window.Slot(now, now, seconds * SECOND, number)
        push(series, slot, values, {})
        width = len(series.entities)
        fresh = window.rebuilt(
            series.entities,
            series.slots,
            series.values[:, :width].astype(numpy.int64),
            series.since[:width],
            series.charges,
        )
        lengths = (30, 120, 600)
        slid, plain = series.sums(lengths), fresh.sums(lengths)
        assert slid[:, :width].tolist() == plain.tolist()
