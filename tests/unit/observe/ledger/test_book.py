# SPDX-License-Identifier: Apache-2.0
"""Who has which row, and what grew since the last look."""

import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.observe.ledger import book

ROWS, COLUMNS = 6, 9
A, B, C = (f'domain:{n * 8}-0000-0000-0000-000000000000' for n in 'abc')


class Kernel:
    """The two matrices, and a clock, as the kernel side has them."""

    def __init__(self) -> None:
        self.ledger = array.array('Q', bytes(8 * ROWS * COLUMNS))
        self.quota = array.array('Q', bytes(8 * ROWS * COLUMNS))
        self.now_ns = 0
        self.book = book.Book(
            memoryview(self.ledger),
            memoryview(self.quota),
            ROWS,
            COLUMNS,
            lambda: self.now_ns,
        )

    def charge(self, victim: int, runner: int, ns: int) -> None:
        self.ledger[victim * COLUMNS + runner] += ns

    def throttle(self, victim: int, runner: int, ns: int) -> None:
        self.quota[victim * COLUMNS + runner] += ns


@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=50), st.integers(1)
)
def test_nothing_is_lost_by_rounding(charges: list[int], seed: int) -> None:
    kernel = Kernel()
    victim = kernel.book.admit(A)
    published = 0
    for ns in charges:
        kernel.charge(victim, book.HOST, ns)
        published += kernel.book.take()[A].get('host', 0)
    assert published == sum(charges) // 1000


def test_quota_is_one_charge_whoever_ran_meanwhile() -> None:
    kernel = Kernel()
    victim, other = kernel.book.admit(A), kernel.book.admit(B)
    kernel.throttle(victim, other, 1_600)
    kernel.throttle(victim, book.IDLE, 1_600)
    kernel.charge(victim, other, 5_000)
    assert kernel.book.take()[A] == {'quota': 3, B: 5}
    assert kernel.book.totals()[A] == {B: (5_000, 1_600), 'idle': (0, 1_600)}


def test_a_domain_that_waited_for_nobody_has_an_empty_row() -> None:
    kernel = Kernel()
    kernel.book.admit(A)
    assert kernel.book.take() == {A: {}}


def test_what_a_leaver_had_until_then_is_still_told_once() -> None:
    kernel = Kernel()
    one, two = kernel.book.admit(A), kernel.book.admit(B)
    kernel.charge(one, two, 7_000)
    kernel.charge(two, one, 9_000)
    kernel.book.gather()
    kernel.book.dismiss(A)
    assert kernel.book.take() == {A: {B: 7}, B: {A: 9}}
    kernel.charge(one, two, 7_000)
    kernel.charge(two, one, 9_000)
    assert kernel.book.take() == {B: {'host': 9}}


def test_a_number_is_given_again_only_after_a_rest() -> None:
    kernel = Kernel()
    first = kernel.book.admit(A)
    kernel.book.admit(B)
    kernel.book.admit(C)
    kernel.book.dismiss(A)
    with pytest.raises(exception.LedgerError, match='too many domains'):
        kernel.book.admit(A)
    kernel.now_ns = book.REST_NS
    assert kernel.book.admit(A) == first


def test_a_number_that_still_runs_goes_on_resting() -> None:
    kernel = Kernel()
    first = kernel.book.admit(A)
    kernel.book.admit(B)
    kernel.book.admit(C)
    kernel.book.dismiss(A)
    kernel.now_ns = book.REST_NS
    kernel.book.stir([first])
    with pytest.raises(exception.LedgerError):
        kernel.book.admit(A)


def test_a_new_owner_inherits_neither_row_nor_column() -> None:
    kernel = Kernel()
    kernel.book.admit(B)
    victim = kernel.book.numbers[B]
    old = kernel.book.admit(A)
    kernel.charge(old, victim, 50_000)
    kernel.charge(victim, old, 50_000)
    kernel.book.gather()
    kernel.book.dismiss(A)
    kernel.book.take()
    kernel.charge(old, victim, 70_000)
    kernel.charge(victim, old, 80_000)
    kernel.now_ns = book.REST_NS
    kernel.book.gather()
    while C not in kernel.book.numbers or kernel.book.numbers[C] != old:
        if C in kernel.book.numbers:
            kernel.book.dismiss(C)
        kernel.book.admit(C)
    assert kernel.book.take() == {B: {'host': 80}, C: {}}
    kernel.charge(victim, old, 2_000)
    assert kernel.book.take() == {B: {C: 2}, C: {}}


def test_services_have_columns_but_no_rows() -> None:
    kernel = Kernel()
    victim = kernel.book.admit(A)
    number = kernel.book.admit('service:backup')
    assert number >= ROWS
    kernel.charge(victim, number, 1_000)
    assert kernel.book.take() == {A: {'service:backup': 1}}
    for name in ('service:b', 'service:c'):
        kernel.book.admit(name)
    with pytest.raises(exception.LedgerError, match='too many services'):
        kernel.book.admit('service:d')
