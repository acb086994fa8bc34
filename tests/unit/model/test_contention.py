# SPDX-License-Identifier: Apache-2.0
"""The sampled ledger's formula: who probably ran while whom waited."""

import dataclasses
import math

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import contention, entity

UUIDS = [f'00000000-0000-4000-8000-{i:012d}' for i in range(4)]
DOMAINS = [entity.domain(uuid) for uuid in UUIDS]
ANY = frozenset(range(4))


def thread(
    who: str,
    run_us: int,
    delay_us: int,
    cpu: int = 0,
    affinity: frozenset[int] = ANY,
    throttled_us: int = 0,
) -> contention.Thread:
    return contention.Thread(
        who, run_us, delay_us, cpu, affinity, throttled_us
    )


def reading(
    time_us: int,
    *threads: contention.Thread,
    busy_us: dict[int, int] | None = None,
    services_us: dict[str, int] | None = None,
) -> contention.Reading:
    return contention.Reading(
        time_us, dict(enumerate(threads)), busy_us or {}, services_us or {}
    )


def charges(
    older: contention.Reading, newer: contention.Reading, who: str
) -> dict[str, int]:
    return contention.charge(older, newer)[who].charges


A, B, C, D = DOMAINS
SECOND = 1_000_000


def test_who_ran_where_the_victim_was_is_charged() -> None:
    older = reading(0, thread(A, 0, 0), thread(B, 0, 0), thread(C, 0, 0, 1))
    newer = reading(
        SECOND,
        thread(A, 300_000, 700_000),
        thread(B, 700_000, 300_000),
        thread(C, 900_000, 0, 1),
    )
    assert charges(older, newer, A) == {B: 700_000}
    assert charges(older, newer, B) == {A: 300_000}
    assert charges(older, newer, C) == {}


def test_own_threads_are_charged_but_never_the_thread_itself() -> None:
    older = reading(0, thread(A, 0, 0), thread(A, 0, 0))
    newer = reading(SECOND, thread(A, 600_000, 400_000), thread(A, 400_000, 0))
    assert charges(older, newer, A) == {A: 400_000}
    alone = reading(SECOND, thread(A, 600_000, 400_000), thread(A, 0, 0))
    assert charges(older, alone, A) == {entity.UNATTRIBUTED: 400_000}


def test_a_thread_that_hardly_ran_has_hardly_waited_for_its_siblings() -> None:
    # The main thread of QEMU, beside its busy vCPU and a neighbour's.
    older = reading(0, thread(A, 0, 0), thread(A, 0, 0), thread(B, 0, 0))
    newer = reading(
        SECOND,
        thread(A, 500_000, 0),
        thread(A, 2_000, 100_000),
        thread(B, 500_000, 0),
    )
    assert charges(older, newer, A) == {A: 2_000, B: 98_000}


def test_vcpus_that_all_run_do_wait_for_each_other() -> None:
    older = reading(0, *(thread(A, 0, 0) for _ in range(3)), thread(B, 0, 0))
    newer = reading(
        SECOND,
        *(thread(A, 300_000, 700_000) for _ in range(3)),
        thread(B, 100_000, 0),
    )
    found = charges(older, newer, A)
    assert found == {A: 3 * 600_000, B: 3 * 100_000}


def test_what_the_quota_took_is_charged_to_nobody_else() -> None:
    older = reading(0, thread(A, 0, 0), thread(B, 0, 0))
    newer = reading(
        SECOND,
        thread(A, 200_000, 800_000, throttled_us=700_000),
        thread(B, 800_000, 0),
    )
    assert charges(older, newer, A) == {entity.QUOTA: 700_000, B: 100_000}
    more = reading(
        SECOND,
        thread(A, 200_000, 500_000, throttled_us=700_000),
        thread(B, 800_000, 0),
    )
    assert charges(older, more, A) == {entity.QUOTA: 500_000}


def test_what_is_busy_beyond_the_domains_is_the_hosts() -> None:
    older = reading(0, thread(A, 0, 0), thread(B, 0, 0), busy_us={0: 0, 1: 0})
    newer = reading(
        SECOND,
        thread(A, 250_000, 600_000),
        thread(B, 250_000, 0),
        busy_us={0: SECOND, 1: SECOND},
    )
    assert charges(older, newer, A) == {B: 200_000, entity.HOST: 400_000}


def test_services_take_their_part_of_the_hosts_time() -> None:
    name = entity.service('backup.service')
    older = reading(0, thread(A, 0, 0), busy_us={0: 0}, services_us={name: 5})
    newer = reading(
        SECOND,
        thread(A, 0, 800_000),
        busy_us={0: 800_000},
        services_us={name: 600_005},
    )
    assert charges(older, newer, A) == {name: 600_000, entity.HOST: 200_000}


def test_a_service_whose_threads_are_read_is_charged_where_it_ran() -> None:
    name = entity.service('backup.service')
    older = reading(
        0, thread(A, 0, 0), thread(name, 0, 0, 1), services_us={name: 0}
    )
    newer = reading(
        SECOND,
        thread(A, 500_000, 500_000),
        thread(name, 900_000, 100_000, 1),
        busy_us={0: 0, 1: 0},
        services_us={name: 900_000},
    )
    assert charges(older, newer, A) == {entity.UNATTRIBUTED: 500_000}
    assert name not in contention.charge(older, newer)


def test_a_guess_about_one_cpu_is_not_taken_for_the_hosts_work() -> None:
    # The thread was seen on CPU 0 but ran on CPU 1 for a part.
    older = reading(
        0, thread(A, 0, 0), thread(B, 0, 0, 1), busy_us={0: 0, 1: 0}
    )
    newer = reading(
        SECOND,
        thread(A, SECOND, 0),
        thread(B, 500_000, 400_000, 1),
        busy_us={0: 700_000, 1: 800_000},
    )
    assert charges(older, newer, B) == {entity.UNATTRIBUTED: 400_000}


def test_a_thread_born_since_counts_from_zero() -> None:
    older = reading(0, thread(A, 0, 0), thread(B, 0, 0))
    newer = dataclasses.replace(
        reading(SECOND, thread(A, 0, 0), thread(B, 500_000, 0)),
        threads={
            0: thread(A, 0, 0),
            1: thread(B, 500_000, 0),
            7: thread(A, 1_000, 400_000),
        },
    )
    assert charges(older, newer, A) == {B: 400_000}


def test_the_history_of_a_domain_that_just_came_is_not_charged() -> None:
    older = reading(0, thread(B, 0, 0))
    newer = reading(SECOND, thread(B, 500_000, 0), thread(A, 10**12, 10**12))
    assert A not in contention.charge(older, newer)
    # And where its thread was missed once, no second counts a lifetime.
    older = dataclasses.replace(older, threads={5: thread(A, 0, 0)})
    newer = dataclasses.replace(newer, threads={6: thread(A, 10**12, 10**12)})
    assert contention.charge(older, newer) == {}


def test_a_number_that_went_to_another_domain_is_another_thread() -> None:
    older = reading(0, thread(A, 100, 100), thread(B, 0, 0))
    newer = reading(SECOND, thread(B, 400_000, 400_000), thread(B, 9, 0))
    assert charges(older, newer, B) == {B: 400_000}


def test_confidence_falls_with_migrations_and_with_little_to_see() -> None:
    much = contention.Account(waited_us=100 * SECOND)
    assert math.isclose(contention.confidence(much), 0.944)
    moving = contention.Account(waited_us=100 * SECOND, moved_us=100 * SECOND)
    assert math.isclose(contention.confidence(moving), 0.684)
    little = contention.Account(waited_us=1_000)
    assert contention.confidence(little) < 0.1 - 1e-9 or (
        contention.confidence(little) == 0
    )
    assert contention.confidence(contention.Account()) == 0


affinities = st.frozensets(st.integers(0, 3), min_size=1)
runners = [*DOMAINS, entity.service('x.service')]


@st.composite
def pairs(
    draw: st.DrawFn,
) -> tuple[contention.Reading, contention.Reading]:
    older: dict[int, contention.Thread] = {}
    newer: dict[int, contention.Thread] = {}
    for tid in range(draw(st.integers(0, 12))):
        who = draw(st.sampled_from(runners))
        affinity = draw(affinities)
        cpus = st.sampled_from(sorted(affinity))
        then = thread(who, 100, 200, draw(cpus), affinity, 50)
        grown = [draw(st.integers(0, SECOND)) for _ in range(3)]
        older[tid] = then
        newer[tid] = thread(
            who,
            100 + grown[0],
            200 + grown[1],
            draw(cpus),
            affinity,
            50 + grown[2],
        )
    busy = {cpu: draw(st.integers(0, SECOND)) for cpu in range(4)}
    services = {'service:y': draw(st.integers(0, SECOND))}
    return (
        contention.Reading(0, older, dict.fromkeys(busy, 0), {'service:y': 0}),
        contention.Reading(SECOND, newer, busy, services),
    )


@given(pairs())
def test_each_row_adds_up_to_what_its_threads_waited(
    both: tuple[contention.Reading, contention.Reading],
) -> None:
    older, newer = both
    accounts = contention.charge(older, newer)
    for who in DOMAINS:
        waited_us = sum(
            now.run_delay_us - older.threads[tid].run_delay_us
            for tid, now in newer.threads.items()
            if now.entity == who
        )
        account = accounts.get(who, contention.Account())
        assert sum(account.charges.values()) == waited_us
        assert account.waited_us == waited_us
        assert 0 <= account.moved_us <= waited_us
        assert 0 <= contention.confidence(account) <= 1


@given(pairs())
def test_no_charge_is_negative_or_to_the_idle(
    both: tuple[contention.Reading, contention.Reading],
) -> None:
    for account in contention.charge(*both).values():
        assert all(charge_us > 0 for charge_us in account.charges.values())
        assert entity.IDLE not in account.charges


@given(pairs())
def test_nobody_is_charged_who_did_not_run_where_the_victim_may(
    both: tuple[contention.Reading, contention.Reading],
) -> None:
    older, newer = both
    for who, account in contention.charge(older, newer).items():
        allowed = {
            cpu
            for now in newer.threads.values()
            if now.entity == who
            for cpu in now.affinity
        }
        ran = {
            now.entity
            for tid, now in newer.threads.items()
            if now.run_us > older.threads[tid].run_us
            and now.affinity & allowed
        }
        others = {
            entity.HOST,
            entity.QUOTA,
            entity.UNATTRIBUTED,
            'service:y',
        }
        assert set(account.charges) <= ran | others


@given(
    st.integers(0, 10**12),
    st.dictionaries(st.text(max_size=3), st.integers(1, 10**9), min_size=1),
)
def test_parts_add_up_and_are_as_large_as_their_weight(
    total: int, weights: dict[str, int]
) -> None:
    parts = contention.split(total, weights)
    assert sum(parts.values()) == total
    whole = sum(weights.values())
    for name, weight in weights.items():
        assert abs(parts.get(name, 0) - total * weight / whole) <= 1
