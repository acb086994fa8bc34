# SPDX-License-Identifier: Apache-2.0
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.osc import column


@pytest.mark.parametrize(
    ('words', 'value', 'told'),
    [
        (column.cores, 0.254, '0.25'),
        (column.share, 0.25, '25.0 %'),
        (column.share, 0.0, '0.0 %'),
        (column.share, 0.0001, '<0.1 %'),
        (column.size, 0, '0 B'),
        (column.size, 1023, '1023 B'),
        (column.size, 2**34, '16 GiB'),
        (column.size, 1536 * 2**20, '1.5 GiB'),
        (column.size, 2**63, '8192 PiB'),
        (column.core_us, 400, '0.000 core-s'),
        (column.core_us, 1_500_000, '1.5 core-s'),
        (column.core_s, 5400, '1.5 core-h'),
        (column.span, 0, '0 s'),
        (column.span, 59, '59 s'),
        (column.span, 86400 * 7 + 61, '7 d 1 min'),
        (column.yes, False, 'no'),
        (column.names, ['a', 'b'], 'a, b'),
        (column.lines(column.text), ['a', 'b'], 'a\nb'),
        (column.party, {'kind': 'instance', 'name': 'vm'}, 'vm'),
        (column.party, {'kind': 'instance', 'uuid': 'u'}, 'u'),
        (column.party, {'kind': 'service', 'name': 'sshd'}, 'service sshd'),
        (column.party, {'kind': 'other projects'}, 'other projects'),
        (column.party, {'kind': 'host', 'entity': 'host'}, 'host'),
    ],
)
def test_it_is_said_for_people_and_kept_for_programs(
    words: column.Words, value: object, told: str
) -> None:
    made = column.Column(value, words)
    assert made.human_readable() == told
    assert made.machine_readable() is value


def test_what_was_not_measured_is_no_zero() -> None:
    made = column.Column(None, column.share)
    assert made.human_readable() == '-'
    assert made.machine_readable() is None


def test_what_was_not_measured_is_sorted_last() -> None:
    values = [None, 0.5, None, 0.1]
    made = sorted(column.Column(one, column.share) for one in values)
    assert [one.machine_readable() for one in made] == [0.1, 0.5, None, None]


def test_a_moment_is_iso_8601() -> None:
    assert column.moment(1_795_845_600_123_456) == '2026-11-28T06:00:00Z'
    assert column.moment(None) is None


@given(st.integers(0, 2**53))
def test_each_moment_that_the_api_may_tell_can_be_told(us: int) -> None:
    assert column.moment(us)


@given(st.text())
def test_no_name_drives_a_terminal(name: str) -> None:
    told = column.text(name)
    assert len(told) == len(name)
    assert all(one.isprintable() or one == '\n' for one in told)


def test_an_escape_in_a_name_is_shown_as_what_it_is_not() -> None:
    evil = {'kind': 'instance', 'name': 'vm\x1b]0;title\x07\x9b2J'}
    told = column.Column(evil, column.party).human_readable()
    assert told == 'vm\ufffd]0;title\ufffd\ufffd2J'
