# SPDX-License-Identifier: Apache-2.0
"""The sampled ledger from tick to tick and from collect to collect."""

from kvm_insight.model import contention, entity
from kvm_insight.observe.ledger import port, sampled

UUID = '00000000-0000-4000-8000-000000000001'
OTHER = '00000000-0000-4000-8000-000000000002'


def reading(
    second: int, threads: dict[int, tuple[str, int, int]]
) -> contention.Reading:
    return contention.Reading(
        time_us=second * 1_000_000,
        threads={
            tid: contention.Thread(
                entity.domain(uuid), run_us, delay_us, 0, frozenset({0})
            )
            for tid, (uuid, run_us, delay_us) in threads.items()
        },
        busy_us={0: 0},
    )


def test_it_keeps_the_port() -> None:
    collector: port.Collector = sampled.Sampled()
    assert (collector.source, collector.ticks) == ('sampled', True)
    ledger = collector.collect({})
    assert (ledger.rows, ledger.interval_us) == ([], 0)
    collector.close()


def test_ticks_add_up_and_a_collect_begins_anew() -> None:
    ledger = sampled.Sampled()
    for second in range(4):
        grown = 100_000 * second
        ledger.tick(
            reading(second, {1: (UUID, 0, grown), 2: (OTHER, grown, 0)})
        )
    found = ledger.collect({UUID: 300_000, OTHER: 0})
    assert found.interval_us == 3_000_000
    assert found.completeness == 1.0
    rows = {row.victim: row for row in found.rows}
    assert rows[UUID].charges == {entity.domain(OTHER): 300_000}
    assert 0.5 < rows[UUID].confidence < 0.95
    assert rows[OTHER].charges == {}
    assert rows[OTHER].confidence == 0
    again = ledger.collect({})
    assert (again.rows, again.interval_us) == ([], 0)


def test_what_a_domain_waited_until_it_left_is_still_told() -> None:
    ledger = sampled.Sampled()
    ledger.tick(reading(0, {1: (UUID, 0, 0), 2: (OTHER, 0, 0)}))
    ledger.tick(reading(1, {1: (UUID, 0, 5_000), 2: (OTHER, 9_000, 0)}))
    ledger.watch([])
    ledger.tick(reading(2, {2: (OTHER, 18_000, 0)}))
    found = ledger.collect({})
    assert found.rows[0].charges == {entity.domain(OTHER): 5_000}


def test_a_closed_ledger_starts_from_nothing() -> None:
    ledger = sampled.Sampled()
    ledger.tick(reading(0, {1: (UUID, 0, 0)}))
    ledger.close()
    ledger.tick(reading(100, {1: (UUID, 0, 50_000)}))
    assert ledger.collect({}).rows == []
