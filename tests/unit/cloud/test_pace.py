# SPDX-License-Identifier: Apache-2.0
"""Requests begin apart from each other, also after a quiet time."""

import concurrent.futures
import time

from kvm_insight.cloud import pace


def begun(steps: pace.Pace, count: int) -> list[float]:
    def one(_: int) -> float:
        with steps:
            return time.monotonic()

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return sorted(pool.map(one, range(count)))


def test_so_many_begin_in_a_second_and_no_more() -> None:
    found = begun(pace.Pace(100.0), 20)
    assert found[-1] - found[0] >= 0.18


def test_quiet_time_is_not_saved_up() -> None:
    steps = pace.Pace(100.0)
    time.sleep(0.2)
    found = begun(steps, 11)
    assert found[-1] - found[0] >= 0.09


def test_the_first_does_not_wait() -> None:
    start = time.monotonic()
    with pace.Pace(0.1):
        pass
    assert time.monotonic() - start < 5
