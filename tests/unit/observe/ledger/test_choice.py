# SPDX-License-Identifier: Apache-2.0
"""The exact ledger while it can, else the sampled one, and why."""

import logging
from collections.abc import Sequence

import pytest

from kvm_insight import exception
from kvm_insight.model import contention, sample
from kvm_insight.observe.ledger import choice, port


class Scripted:
    """A collector that does as it is told; both have the same port."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.ticks = source == 'sampled'
        self.members: Sequence[port.Member] = ()
        self.readings: list[contention.Reading] = []
        self.fails: str | None = None
        self.closed = False

    def watch(self, members: Sequence[port.Member]) -> None:
        self._maybe_fail()
        self.members = members

    def tick(self, reading: contention.Reading) -> None:
        self.readings.append(reading)

    def collect(self, run_delay_us: dict[str, int]) -> sample.Ledger:
        self._maybe_fail()
        source = 'ebpf' if self.source == 'ebpf' else 'sampled'
        return sample.Ledger(source=source, interval_us=1, rows=[])  # type: ignore[arg-type]

    def close(self) -> None:
        self.closed = True

    def _maybe_fail(self) -> None:
        if self.fails:
            raise exception.LedgerError(self.fails)


class Plugins:
    """What stevedore would load; remembers what it made."""

    def __init__(self, refuses: str | None = None) -> None:
        self.refuses = refuses
        self.made: list[Scripted] = []

    def load(self, name: str) -> port.Collector:
        if name == 'ebpf' and self.refuses:
            raise exception.LedgerError(self.refuses)
        self.made.append(Scripted(name))
        return self.made[-1]


MEMBERS = [port.Member('host', (1,))]


def test_the_exact_ledger_is_taken_where_it_runs() -> None:
    chosen = choice.Choice(Plugins().load)
    assert (chosen.source, chosen.ticks) == ('ebpf', False)
    ledger = chosen.collect({})
    assert ledger is not None
    assert ledger.reason is None


def test_a_missing_right_turns_to_sampled_in_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    chosen = choice.Choice(Plugins('CAP_BPF is missing').load)
    assert (chosen.source, chosen.ticks) == ('sampled', True)
    ledger = chosen.collect({})
    assert ledger is not None
    assert ledger.reason == 'CAP_BPF is missing'
    assert [record.getMessage() for record in caplog.records] == [
        'contention ledger: sampled (CAP_BPF is missing)'
    ]


def test_a_failed_self_check_changes_the_source_and_keeps_the_members(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugins = Plugins()
    chosen = choice.Choice(plugins.load)
    chosen.watch(MEMBERS)
    plugins.made[0].fails = 'rows are 7 % short'
    assert chosen.collect({}) is None
    assert chosen.source == 'sampled'
    assert plugins.made[0].closed
    assert plugins.made[1].members == MEMBERS
    ledger = chosen.collect({})
    assert ledger is not None
    assert ledger.source == 'sampled'
    assert ledger.reason == 'rows are 7 % short'
    assert len(caplog.records) == 1


def test_a_full_ledger_changes_the_source_while_watching() -> None:
    plugins = Plugins()
    chosen = choice.Choice(plugins.load)
    plugins.made[0].fails = 'full'
    chosen.watch(MEMBERS)
    assert chosen.source == 'sampled'
    assert plugins.made[1].members == MEMBERS


def test_an_operator_may_keep_programs_out_of_the_kernel() -> None:
    plugins = Plugins()
    chosen = choice.Choice(plugins.load, 'sampled')
    assert [one.source for one in plugins.made] == ['sampled']
    assert chosen.reason == 'chosen by [agent] ledger = sampled'


def test_an_operator_who_insists_is_told_option_and_remedy() -> None:
    with pytest.raises(exception.ConfigError) as caught:
        choice.Choice(Plugins('no BTF').load, 'ebpf')
    assert '[agent] ledger = ebpf' in str(caught.value)
    assert 'no BTF' in str(caught.value)
    assert 'auto' in str(caught.value)
