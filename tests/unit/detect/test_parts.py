# SPDX-License-Identifier: Apache-2.0
"""Entitlement, crowd, baseline and words, each by itself."""

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.detect import (
    baseline,
    crowd,
    entitlement,
    minutes,
    settings,
    suffering,
    track,
    words,
)
from kvm_insight.model import finding, sample, window

RULES = settings.Settings()
MINUTE = 60_000_000
UUID = '00000000-0000-4000-8000-000000000001'


def place(cpus: str, weight: int = 100, **more: object) -> entitlement.Place:
    domain = sample.Domain(
        uuid=UUID,
        name='a',
        epoch='1',
        vcpus=[sample.Vcpu(index=0, tid=1, affinity=cpus)],
        cpu=sample.CpuControl(weight=weight, **more),  # type: ignore[arg-type]
    )
    return entitlement.place(domain, frozenset({0, 1}))


def test_a_cpu_is_shared_by_weight() -> None:
    cores = entitlement.cores({'a': place('0', 300), 'b': place('0', 100)})
    assert cores == {'a': 0.75, 'b': 0.25}


def test_a_floating_one_has_its_part_of_each_cpu() -> None:
    places = {'a': place('0-1'), 'b': place('0-1'), 'c': place('0-1')}
    assert entitlement.cores(places)['a'] == pytest.approx(2 / 3)


def test_nobody_is_entitled_to_more_than_its_vcpus_or_its_quota() -> None:
    assert entitlement.cores({'a': place('0-1')})['a'] == 1.0
    limited = place('0-1', quota_us=20_000, period_us=100_000)
    assert entitlement.cores({'a': limited})['a'] == 0.2


@pytest.mark.parametrize('text', [None, '', 'x', '5-9', '3-1', '9' * 4000])
def test_an_affinity_that_makes_no_sense_is_everywhere(
    text: str | None,
) -> None:
    domain = sample.Domain(
        uuid=UUID,
        name='a',
        epoch='1',
        vcpus=[sample.Vcpu(index=0, tid=1, affinity=text)],
    )
    found = entitlement.place(domain, frozenset({0, 1}))
    assert found.cpus == {0, 1}


def test_two_that_are_always_there_halve_a_cpu() -> None:
    assert crowd.wait([crowd.Load(1, 1.0)], 1) == pytest.approx(0.5)
    assert crowd.wait([crowd.Load(1, 1.0)], 2) == 0.0


@given(
    st.lists(st.tuples(st.integers(1, 8), st.floats(0, 8)), max_size=6),
    st.integers(1, 8),
)
def test_a_wait_is_a_part_and_less_load_is_less_wait(
    parts: list[tuple[int, float]], cpus: int
) -> None:
    loads = [crowd.Load(threads, cores) for threads, cores in parts]
    whole = crowd.wait(loads, cpus)
    assert 0 <= whole < 1
    assert crowd.wait(loads[1:], cpus) <= whole + 1e-9
    for part in crowd.spared(loads, [one.cores for one in loads], cpus):
        assert 0 <= part <= 1


def taught(*seen: tuple[int, int]) -> baseline.Baseline:
    """Return a baseline that saw run and delay (percent) by the minute."""
    known = minutes.Minutes(RULES)
    made = baseline.Baseline(RULES, known, known.add(1))
    for number, (run, delay) in enumerate(seen):
        for part in range(6):
            now = number * MINUTE + (part + 1) * MINUTE // 6
            slot = window.Slot(now, now, MINUTE // 6, 0)
            did = window.Values(run * 100_000, delay * 100_000, 0, 0)
            known.take(slot, numpy.array([made.row]), numpy.array([did]))
    return made


def test_a_history_takes_twenty_minutes() -> None:
    short = taught(*[(40, 10)] * 20).level_of_suffering()
    assert short.known
    assert not short.history
    long = taught(*[(40, 10)] * 23).level_of_suffering()
    assert long.history
    assert long.median == pytest.approx(0.2)
    assert long.deviation == 0


def test_one_seen_for_long_has_a_history_of_its_few_active_minutes() -> None:
    few = taught(*[(0, 1)] * 30, *[(40, 10)] * 6)
    level = few.level_of_suffering()
    assert level.minutes < RULES.history_minutes
    assert level.history
    # One active minute is no level.
    assert (
        not taught(*[(0, 1)] * 30, (40, 10), (0, 1), (0, 1))
        .level_of_suffering()
        .known
    )


def test_two_hours_are_kept() -> None:
    level = taught(*[(10, 0)] * 50, *[(50, 0)] * 200).level_of_use()
    assert level.minutes == RULES.baseline_minutes
    assert level.median == pytest.approx(0.5)


@given(
    st.lists(
        st.tuples(
            st.integers(1, 8),
            st.tuples(*[st.integers(0, 10 * MINUTE)] * 4),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_minute_of_many_tells_of_each_what_suffering_is(
    guests: list[tuple[int, tuple[int, int, int, int]]],
) -> None:
    known = minutes.Minutes(RULES)
    rows = [known.add(vcpus) for vcpus, _ in guests]
    did = numpy.array([window.Values(*seen) for _, seen in guests])
    for now in (MINUTE, 2 * MINUTE):
        slot = window.Slot(now, now, MINUTE, 0)
        known.take(slot, numpy.array(rows), did)
    for row, (vcpus, (run, delay, _, poll)) in zip(rows, guests, strict=True):
        share = minutes.SILENT
        wanted = suffering.offered(run, delay, poll)
        if suffering.active(wanted, MINUTE, vcpus, RULES.activity):
            share = int(suffering.share(run, delay, poll) * 1_000_000)
        ((told, _),) = known.record(row).pending
        assert told == share


def test_what_one_does_since_it_rose_is_none_of_its_bursts() -> None:
    rising = taught(*[(10, 0)] * 30, *[(90, 0)] * 8)
    assert rising.level_of_run().high == pytest.approx(0.1)
    over = taught(*[(10, 0)] * 30, *[(90, 0)] * 8, *[(10, 0)] * 2)
    assert over.level_of_run().high == pytest.approx(0.9)
    again = taught(
        *[(10, 0)] * 30, *[(90, 0)] * 8, *[(10, 0)] * 4, *[(90, 0)] * 8
    )
    assert again.level_of_run().high == pytest.approx(0.9)


def test_one_that_never_was_calm_has_a_level_all_the_same() -> None:
    rising = taught(*[(level, 0) for level in range(1, 40, 2)] * 2)
    assert rising.level_of_run().high > 0.3
    always = taught(*[(90, 0)] * 30).level_of_run()
    assert always.high == always.median == pytest.approx(0.9)


def test_what_lasts_was_above_in_all_evaluations() -> None:
    known = minutes.Minutes(RULES)
    domain = sample.Domain(uuid=UUID, name='a', epoch='1')
    followed = track.of(domain, RULES, known)
    seen = []
    for above in (True, True, True, True, True, False):
        followed.saw(0, above)
        seen.append((followed.sustained(0), followed.lasts(0)))
    assert seen == [
        (False, False),
        (False, False),
        (True, False),
        (True, False),
        (True, True),
        (False, False),
    ]


def test_idle_minutes_say_nothing_of_suffering() -> None:
    made = taught(*[(0, 1)] * 40)
    assert made.level_of_suffering().minutes == 0
    assert made.level_of_use().minutes > 30


def test_what_led_to_an_incident_is_unlearned() -> None:
    made = taught(*[(10, 0)] * 10)
    before = made.level_of_use()
    made.forget_recent()
    assert made.level_of_use() == before
    assert made.minutes.record(made.row).pending == []


def test_a_noisy_history_needs_more_to_be_a_victim() -> None:
    quiet = baseline.Level(0.01, 0.001, 60, True, True)
    noisy = baseline.Level(0.15, 0.05, 60, True, True)
    assert baseline.limit(quiet, 0.2, 5) == 0.2
    assert baseline.limit(noisy, 0.2, 5) == pytest.approx(0.4)


def test_a_long_window_swings_less_than_a_minute() -> None:
    noisy = baseline.Level(0.15, 0.05, 60, True, True)
    limits = [baseline.limit(noisy, 0.05, 5, s) for s in (30, 120, 600)]
    assert limits == sorted(limits, reverse=True)
    assert limits[-1] == pytest.approx(0.15 + 5 * 0.05 * 0.1**0.25)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_suffering_is_a_part(run: int, delay: int, poll: int) -> None:
    assert 0 <= suffering.share(run, delay, poll) <= 1


def test_polling_is_not_wanting() -> None:
    assert suffering.share(1000, 10, 1000) == 1.0
    assert not suffering.active(
        suffering.offered(10**7, 0, 10**7), 10**7, 1, 0.05
    )


def test_a_starved_guest_is_active_all_the_same() -> None:
    assert suffering.active(suffering.offered(1, 10**7, 0), 10**7, 1, 0.05)


def test_a_sentence_names_people_not_uuids() -> None:
    victim = finding.Party(
        entity=f'domain:{UUID}',
        uuid=UUID,
        name='instance-0001',
        instance_name='web-1',
        project_id='p1',
        project_name='shop',
    )
    told = words.summary(victim, 'unknown', None, [], 1_500_000, 0.25)
    assert 'web-1 (project shop) lost 1.5 s' in told
    assert UUID not in told
    alone = finding.Party(entity=f'domain:{UUID}', uuid=UUID, name='x')
    assert words.party(alone) == 'x'
