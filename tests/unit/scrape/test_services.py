# SPDX-License-Identifier: Apache-2.0
"""What is scraped of analyzer, planner and feeder."""

from kvm_insight.model import inventory, vitals
from kvm_insight.scrape import analyzer, feeder, planner
from tests.unit.scrape import scraped

US = 1_000_000
NOW_S = 10_000.0


def seen(now: vitals.Analyzer, limit: int = 1000) -> scraped.Values:
    return scraped.values([*analyzer.points(now, limit, lambda: NOW_S)])


def host(age_s: float = 10, lost: float = 1.5) -> vitals.Host:
    return vitals.Host(int((NOW_S - age_s) * US), 4.0, None, lost)


def test_an_analyzer_tells_what_it_reads_and_sees() -> None:
    now = vitals.Analyzer(
        bus_up=True,
        time_us=5 * US,
        partitions=3,
        lag=12,
        accepted=100,
        missing=2,
        open={('cpu', 'antagonist'): 4},
        hosts={'r/a': host()},
    )
    found = seen(now)
    assert scraped.of(found, 'bus_up') == 1
    assert scraped.of(found, 'analyzer_lag_samples') == 12
    assert scraped.of(found, 'analyzer_missing_samples_total') == 2
    open_ = 'analyzer_open_findings'
    cpu = {'resource': 'cpu'}
    assert scraped.of(found, open_, **cpu, verdict='antagonist') == 4
    assert scraped.of(found, open_, **cpu, verdict='overcommit') == 0
    assert scraped.of(found, 'analyzer_host_lost_cores', host='r/a') == 1.5
    # None is not measured, and not zero.
    assert scraped.of(found, 'analyzer_host_waited_cores') is None


def test_without_the_bus_nobody_knows_the_lag() -> None:
    found = seen(vitals.Analyzer(lag=None))
    assert scraped.of(found, 'bus_up') == 0
    assert scraped.of(found, 'analyzer_lag_samples') is None


def test_hosts_that_are_silent_are_not_shown() -> None:
    hosts = {'a': host(age_s=899), 'b': host(age_s=901)}
    found = seen(vitals.Analyzer(hosts=hosts))
    assert scraped.of(found, 'analyzer_hosts') == 1
    assert scraped.of(found, 'analyzer_host_lost_cores', host='b') is None


def test_too_many_hosts_are_left_out_and_counted() -> None:
    hosts = {f'h{number:03}': host() for number in range(50)}
    found = seen(vitals.Analyzer(hosts=hosts), limit=30)
    assert scraped.of(found, 'analyzer_omitted_hosts') == 40
    assert scraped.of(found, 'analyzer_host_lost_cores', host='h009') == 1.5
    assert scraped.of(found, 'analyzer_host_lost_cores', host='h010') is None


def plan(**more: object) -> vitals.Plan:
    status = inventory.PlannerStatus(
        generation=7,
        time_us=9 * US,
        state='planning',
        hosts=12,
        fresh_hosts=11,
        planned_us=8 * US,
        plan_ms=250,
        unrelieved={'r/a': ['full']},
        feeds={
            'placement': 'ok',
            'webhook': 'https://example.org/?secret: 500',
            'topic': 'off',
        },
    )
    fields: dict[str, object] = {
        'status': status,
        'lacks': frozenset(),
        'cluster_us': 3 * US,
        'states': {'proposed': 2},
        'outcomes': {'helped': 1},
        'marked': 1,
        'alarms': 0,
    }
    return vitals.Plan(**(fields | more))  # type: ignore[arg-type]


def test_an_active_planner_tells_of_its_last_cycle() -> None:
    now = vitals.Planner(bus_up=True, active=True, cycles=3, plan=plan())
    found = scraped.values([*planner.points(now)])
    for name, value in (
        ('active', 1),
        ('cycles_total', 3),
        ('generation', 7),
        ('cycle_duration_seconds', 0.25),
        ('planned_timestamp_seconds', 8),
        ('cluster_timestamp_seconds', 3),
        ('fresh_hosts', 11),
        ('unrelieved_hosts', 1),
    ):
        assert scraped.of(found, f'planner_{name}') == value, name
    states = 'planner_recommendations'
    assert scraped.of(found, states, state='proposed') == 2
    assert scraped.of(found, states, state='failed') == 0
    assert scraped.of(found, 'planner_outcomes', verdict='helped') == 1
    assert scraped.of(found, 'planner_lacks', reason='cluster_old') == 0


def test_why_nothing_is_planned_is_one_word_of_few() -> None:
    now = vitals.Planner(
        active=True, plan=plan(lacks=frozenset(['reports_missing']))
    )
    found = scraped.values([*planner.points(now)])
    assert scraped.of(found, 'planner_lacks', reason='reports_missing') == 1
    assert scraped.of(found, 'planner_lacks', reason='broken') == 0


def test_how_a_feed_is_has_no_words_of_others_in_it() -> None:
    now = vitals.Planner(active=True, plan=plan())
    text = scraped.text([*planner.points(now)])
    assert 'secret' not in text
    found = scraped.values([*planner.points(now)])
    state = 'planner_feed_state'
    assert scraped.of(found, state, feed='webhook', state='failing') == 1
    assert scraped.of(found, state, feed='webhook', state='ok') == 0
    assert scraped.of(found, state, feed='topic', state='off') == 1


def test_a_copy_that_waits_says_nothing_of_plans() -> None:
    now = vitals.Planner(bus_up=True, active=False, plan=plan())
    found = scraped.values([*planner.points(now)])
    assert scraped.of(found, 'planner_active') == 0
    assert scraped.of(found, 'planner_generation') is None


def test_a_feeder_tells_which_file_is_how_old() -> None:
    now = vitals.Feeder(
        bus_up=True,
        time_us=5 * US,
        current=True,
        hosts=3,
        written_us={'nova': 4 * US},
        works={'nova': True, 'watcher': False},
    )
    found = scraped.values([*feeder.points(now)])
    assert scraped.of(found, 'feed_works', feed='watcher') == 0
    assert (
        scraped.of(found, 'feed_written_timestamp_seconds', feed='nova') == 4
    )
    assert scraped.of(found, 'feed_written_timestamp_seconds') == 4
