# SPDX-License-Identifier: Apache-2.0
"""What a window of a book says, beside what is usual."""

import numpy
import pytest

from kvm_insight.detect import device_book, device_look, device_settings
from kvm_insight.model import window

SECONDS = 30
KEYS = [('victim', '1', 'd'), ('noisy', '1', 'd')]


def look() -> device_look.Look:
    """Return half an hour of which the last ten minutes are lost in part."""
    book = device_book.Book(device_settings.MEMORY)
    ends = []
    for number in range(60):
        lost = 10.0 if number >= 40 else 0.0
        swing = 10.0 * ((number // 6) % 3)
        row = numpy.full(2, float(SECONDS))
        book.push(
            device_book.Did(
                KEYS,
                row,
                numpy.array([lost, 0.0]),
                row,
                numpy.array([100.0, 200.0 + swing]),
                numpy.zeros(2),
            ),
            SECONDS,
            numpy.zeros(len(book.keys), bool),
        )
        at_us = (number + 1) * SECONDS * 1_000_000
        ends.append(window.Slot(at_us, at_us, SECONDS * 1_000_000, number))
    return device_look.Look(book, ends[-device_settings.SLOTS :])


def test_a_short_window_swings_more_than_what_the_baseline_is_made_of() -> (
    None
):
    one = look()
    spread = float(one.book.levels().work_spread[1])
    assert spread > 0
    short = one.closest(0, 0, frozenset())
    assert short is not None
    assert short.scale.seconds == 60
    assert short.case.spread[1] == pytest.approx(spread * 3**0.5)


def test_a_window_as_long_as_that_swings_as_much() -> None:
    assert device_look.swings(180) == 1.0
    assert device_look.swings(600) == 1.0
