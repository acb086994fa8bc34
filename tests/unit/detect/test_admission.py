# SPDX-License-Identifier: Apache-2.0
"""Each sample counts once, and none after a newer one."""

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.detect import admission
from kvm_insight.model import sample


def made(sequence: int, agent: str = 'a', uptime: int = -1) -> sample.Sample:
    return sample.Sample(
        host='h',
        boot_id='b',
        agent_id=agent,
        sequence=sequence,
        time_us=0,
        uptime_us=sequence if uptime < 0 else uptime,
        agent=sample.Agent(version='1'),
        system=sample.System(cpus='0'),
    )


@given(st.lists(st.integers(0, 30), max_size=60))
def test_each_sequence_is_taken_at_most_once_and_in_order(
    sequences: list[int],
) -> None:
    one = admission.Admission()
    taken = [number for number in sequences if one.admit(made(number))]
    assert taken == sorted(set(taken))
    assert one.counters.accepted == len(taken)
    assert one.counters.duplicates == len(sequences) - len(taken)


def test_numbers_that_never_came_are_counted() -> None:
    one = admission.Admission()
    for number in (3, 4, 7, 7, 12):
        one.admit(made(number))
    assert one.counters.missing == 2 + 4


def test_a_new_agent_may_begin_at_zero() -> None:
    one = admission.Admission()
    assert one.admit(made(50))
    assert one.admit(made(0, agent='b', uptime=60))
    assert one.counters.missing == 0


def test_what_an_old_agent_left_in_its_spool_is_late() -> None:
    one = admission.Admission()
    assert one.admit(made(50))
    assert one.admit(made(0, agent='b', uptime=60))
    assert not one.admit(made(51, uptime=51))
    assert not one.admit(made(0, agent='c', uptime=10))
    assert one.counters.late == 2
