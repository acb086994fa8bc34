# SPDX-License-Identifier: Apache-2.0
"""What is scraped of an agent: the newest sample, bounded, never names."""

import threading
import time
from typing import Any

import msgspec
import pytest

from kvm_insight.model import entity, sample, vitals
from kvm_insight.scrape import agent
from tests.unit.cmd import samples
from tests.unit.scrape import scraped

WELL = vitals.Transport(
    bus='up',
    delivered=7,
    refused=0,
    dropped=2,
    in_flight=1,
    spooled=3,
    spool_bytes=900,
    spool_limit_bytes=1000,
)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def exposed(limit: int = 20_000, **more: Any) -> agent.Exposed:
    return agent.Exposed(lambda: WELL, limit, **more)


def with_domains(number: int, count: int) -> sample.Sample:
    domains = [
        samples.domain(f'{n:08x}-0000-0000-0000-000000000000', f'n{n}', 1, 1)
        for n in range(count)
    ]
    return samples.host(number, domains=domains)


def test_before_the_first_sample_spool_and_bus_are_told() -> None:
    seen = scraped.values(exposed().points())
    assert scraped.of(seen, 'spool_bytes') == 900
    assert scraped.of(seen, 'spool_dropped_records_total') == 2
    assert scraped.of(seen, 'bus_state', state='up') == 1
    assert scraped.of(seen, 'bus_state', state='away') == 0
    assert scraped.of(seen, 'agent_samples_total') is None


def test_counters_grow_in_seconds_and_waits_are_told_by_class() -> None:
    one = exposed()
    one.take(samples.host(0))
    begin = scraped.values(one.points())
    one.take(samples.host(1))
    one.take(samples.host(2))
    now = scraped.values(one.points())

    def growth(name: str, **labels: str) -> float:
        before = scraped.of(begin, name, **labels)
        after = scraped.of(now, name, **labels)
        assert before is not None
        assert after is not None
        return after - before

    who = {'domain': samples.VICTIM, 'project_id': 'id-web'}
    assert growth('domain_run_delay_seconds_total', **who) == 10
    waited = 'domain_waited_seconds_total'
    assert growth(waited, **who, **{'class': 'neighbour'}) == 8
    assert growth(waited, **who, **{'class': 'host'}) == 2
    assert growth(waited, **who, **{'class': 'own'}) == 0
    caused = 'domain_caused_wait_seconds_total'
    assert growth(caused, domain=samples.NOISY) == 8
    assert growth(caused, domain=samples.VICTIM) == 0
    total = 'host_waited_seconds_total'
    assert growth(total, **{'class': 'neighbour'}) == 8


def test_each_class_of_the_ledger_has_a_series_from_the_beginning() -> None:
    one = exposed()
    one.take(samples.host(0))
    seen = scraped.values(one.points())
    classes = {
        dict(labels)['class']
        for name, labels in seen
        if name == 'kvm_insight_domain_waited_seconds_total'
    }
    assert classes == set(entity.KINDS)


def test_no_name_of_a_tenant_is_shown() -> None:
    one = exposed()
    one.take(samples.host(0))
    text = scraped.text(one.points())
    assert samples.VICTIM in text
    assert 'id-web' in text
    for name in ('instance-web', 'p-web', '"web"', 'batch"'):
        assert name not in text.replace('id-batch', '')


def test_a_domain_that_vanished_is_not_shown() -> None:
    one = exposed()
    one.take(samples.host(0))
    now = samples.host(1)
    one.take(msgspec.structs.replace(now, domains=now.domains[1:]))
    text = scraped.text(one.points())
    assert samples.VICTIM not in text
    assert samples.NOISY in text


def test_what_was_not_measured_is_absent_and_not_zero() -> None:
    one = exposed()
    now = samples.host(0, ledger=None)
    one.take(now)
    seen = scraped.values(one.points())
    for name in (
        'domain_waited_seconds_total',
        'domain_memory_resident_bytes',
        'domain_disk_read_bytes_total',
        'host_memory_bytes',
        'ledger_source',
    ):
        assert not [key for key in seen if key[0] == f'kvm_insight_{name}']


def test_too_many_series_leave_whole_domains_out_and_count_them() -> None:
    one = exposed(limit=60)
    one.take(with_domains(0, 10))
    first = scraped.values(one.points())
    one.take(with_domains(1, 10))
    again = scraped.values(one.points())
    assert {
        key for key in first if key[0].startswith('kvm_insight_domain')
    } == {key for key in again if key[0].startswith('kvm_insight_domain')}
    shown = {
        dict(labels)['domain']
        for _, labels in again
        if 'domain' in dict(labels)
    }
    left_out = scraped.of(again, 'agent_omitted_domains')
    assert 0 < len(shown) < 10
    assert left_out == 10 - len(shown)
    series = scraped.of(again, 'agent_omitted_series')
    per_domain = len(
        [1 for name, _ in again if name.startswith('kvm_insight_domain_')]
    ) / len(shown)
    assert series == left_out * per_domain


def test_a_host_whose_agent_is_stuck_is_not_shown() -> None:
    clock = Clock()
    one = exposed(clock=clock)
    one.take(samples.host(0))
    clock.now += 59
    assert samples.VICTIM in scraped.text(one.points())
    clock.now += 2
    seen = scraped.values(one.points())
    assert not [name for name, _ in seen if '_domain_' in name]
    assert not [name for name, _ in seen if '_host_' in name]
    # Its age is what an alert is made of.
    assert scraped.of(seen, 'agent_sample_timestamp_seconds') == 1e6


def test_a_scrape_holds_no_sample_up() -> None:
    """Scrapes without end beside, a sample is taken in no time."""
    one = exposed()
    now = with_domains(0, 60)
    one.take(now)
    stop = threading.Event()

    def scrape() -> None:
        while not stop.is_set():
            scraped.text(one.points())

    threads = [threading.Thread(target=scrape) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        took = []
        for _ in range(20):
            begin = time.monotonic()
            one.take(now)
            took.append(time.monotonic() - begin)
            time.sleep(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert max(took) < 0.5


@pytest.mark.parametrize(
    ('runner', 'kind'),
    [
        (entity.domain(samples.VICTIM), 'own'),
        (entity.domain(samples.NOISY), 'neighbour'),
        (entity.service('sshd.service'), 'service'),
        (entity.HOST, 'host'),
        (entity.IDLE, 'idle'),
        (entity.QUOTA, 'quota'),
        (entity.UNATTRIBUTED, 'unattributed'),
        ('what-comes-later', 'unattributed'),
    ],
)
def test_each_entity_is_of_a_class(runner: str, kind: str) -> None:
    assert entity.kind(runner, samples.VICTIM) == kind
