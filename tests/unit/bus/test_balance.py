# SPDX-License-Identifier: Apache-2.0
"""Partitions are shared evenly, and no more move than must."""

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.bus import balance, murmur, port


def parts(count: int) -> list[port.Partition]:
    return [port.Partition('t', number) for number in range(count)]


def wanting(count: int) -> dict[str, list[str]]:
    return {f'member-{number}': ['t'] for number in range(count)}


@given(st.integers(1, 50), st.integers(1, 10))
def test_the_shares_differ_by_one_at_most(count: int, members: int) -> None:
    target = balance.assign(parts(count), wanting(members), {})
    shares = [
        list(target.values()).count(member) for member in wanting(members)
    ]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1


@given(st.integers(1, 50), st.integers(1, 9))
def test_who_comes_takes_only_its_share(count: int, members: int) -> None:
    before = balance.assign(parts(count), wanting(members), {})
    after = balance.assign(parts(count), wanting(members + 1), before)
    moved = [one for one in before if before[one] != after[one]]
    assert len(moved) <= count // (members + 1)
    assert all(after[one] == f'member-{members}' for one in moved)


@given(st.integers(1, 50), st.integers(2, 9))
def test_who_goes_leaves_only_its_own(count: int, members: int) -> None:
    before = balance.assign(parts(count), wanting(members), {})
    after = balance.assign(parts(count), wanting(members - 1), before)
    gone = f'member-{members - 1}'
    assert all(
        before[one] == gone for one in before if before[one] != after[one]
    )


def test_nobody_gets_a_topic_that_it_does_not_want() -> None:
    both = [port.Partition('s', 0), port.Partition('t', 0)]
    target = balance.assign(both, {'a': ['s'], 'b': ['u']}, {})
    assert target == {port.Partition('s', 0): 'a'}


def test_the_hash_is_kafka_s() -> None:
    """Values of Kafka's own test, UtilsTest.testMurmur2."""
    for data, expected in (
        (b'21', -973932308),
        (b'foobar', -790332482),
        (b'a-little-bit-long-string', -985981536),
        (b'a-little-bit-longer-string', -1486304829),
        (b'lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971),
        (b'abc', 479470107),
    ):
        assert murmur.murmur2(data) == expected % 2**32
