# SPDX-License-Identifier: Apache-2.0
"""What is exposed by an agent: itself, its host, and the host's domains.

Each sample is only remembered, and its ledger added up: all else is made when
somebody scrapes, in that scrape's thread.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from kvm_insight.model import entity, sample, vitals
from kvm_insight.scrape import domain, domain_family, family, host, page, sums

_US = 1e6
#: A host whose newest sample is older is not shown as if it stood still.
_STALE_INTERVALS = 3
_STALE_S = 60.0
_HOST = 'host'

INFO = family.info(
    'agent',
    'Which host it watches, as on the bus; join on instance.',
    'host',
    'hypervisor_hostname',
    'compute_id',
)
SAMPLES = family.counter('agent_samples', 'Samples made since it started.')
SAMPLE_TIME = family.gauge(
    'agent_sample_timestamp_seconds', 'When the newest sample was made.'
)
INTERVAL = family.gauge(
    'agent_sample_interval_seconds', 'Between the last two samples.'
)
DURATION = family.gauge(
    'agent_collector_duration_seconds',
    'What a collector took for the newest sample.',
    'collector',
)
SUCCESS = family.gauge(
    'agent_collector_success',
    'Whether a collector broke nowhere in the newest sample.',
    'collector',
)
MISSING = family.gauge(
    'agent_missing', '1 for each thing that this host cannot tell.', 'what'
)
UNIDENTIFIED = family.gauge(
    'agent_unidentified_domains',
    'Domains without usable metadata, by status.',
    'status',
)
OMITTED_SERIES = family.gauge(
    'agent_omitted_series', 'Series left out because of series_limit, now.'
)
OMITTED_DOMAINS = family.gauge(
    'agent_omitted_domains', 'Domains left out because of series_limit, now.'
)
LEDGER = family.gauge(
    'ledger_source', '1 for the collector that the ledger is from.', 'source'
)
LOSSES = family.counter(
    'ledger_losses',
    'What the exact ledger could not follow: missed_switches, overruns,'
    ' untracked_threads.',
    'loss',
)
COMPLETENESS = family.gauge(
    'ledger_completeness_ratio',
    'Wait that the ledger has over wait that the kernel counted.',
)
WAITED = family.counter(
    'host_waited_seconds',
    'Time that all domains waited for a CPU, by class as of a domain.',
    'class',
)
SPOOLED = family.gauge('spool_records', 'Records that wait for the bus.')
SPOOL_BYTES = family.gauge('spool_bytes', 'What they take.')
SPOOL_LIMIT = family.gauge(
    'spool_limit_bytes', 'What they may take before the oldest are dropped.'
)
DROPPED = family.counter(
    'spool_dropped_records', 'Records that the spool lost since the start.'
)
BUS_STATE = family.gauge(
    'bus_state',
    '1 for the state of the bus: connecting, up, away, refused.',
    'state',
)
DELIVERED = family.counter(
    'bus_delivered_records', 'Records that the bus has acknowledged.'
)
REFUSED = family.counter(
    'bus_refused_records', 'Records that the bus will never take; dropped.'
)
IN_FLIGHT = family.gauge(
    'bus_in_flight_records', 'Records that wait for its answer.'
)
FAMILIES = (
    INFO,
    SAMPLES,
    SAMPLE_TIME,
    INTERVAL,
    DURATION,
    SUCCESS,
    MISSING,
    UNIDENTIFIED,
    OMITTED_SERIES,
    OMITTED_DOMAINS,
    LEDGER,
    LOSSES,
    COMPLETENESS,
    WAITED,
    SPOOLED,
    SPOOL_BYTES,
    SPOOL_LIMIT,
    DROPPED,
    BUS_STATE,
    DELIVERED,
    REFUSED,
    IN_FLIGHT,
    *host.FAMILIES,
    *domain_family.FAMILIES,
)

Transport = Callable[[], vitals.Transport]
#: Owner -> name -> µs.
Waited = Mapping[str, Mapping[str, int]]


class Exposed:
    """The newest sample, ready to be scraped."""

    def __init__(
        self,
        transport: Transport,
        series_limit: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``transport`` is called at each scrape, and must not wait."""
        self._transport = transport
        self._limit = series_limit
        self._clock = clock
        #: Held for as long as it takes to remember, and no longer.
        self._lock = threading.Lock()
        self._now: sample.Sample | None = None
        self._taken_s = 0.0
        self._waits = sums.Sums()
        #: The scrapes' own, which no sample waits for.
        self._scrape = threading.Lock()
        self._parts = sums.Sums()

    def take(self, now: sample.Sample) -> None:
        """Remember this one; called by the loop that made it."""
        with self._lock:
            self._now = now
            self._taken_s = self._clock()
            self._waits.keep([_HOST, *(one.uuid for one in now.domains)])
            for row in now.ledger.rows if now.ledger else []:
                self._add(row)

    def _add(self, row: sample.Row) -> None:
        """Add up who made whom wait, by class."""
        for runner, us in row.charges.items():
            kind = entity.kind(runner, row.victim)
            for owner in (row.victim, _HOST):
                self._waits.grow(owner, f'wait/{kind}', us)
            if kind == 'neighbour':
                self._waits.grow(entity.uuid_of(runner) or '', 'caused', us)

    def points(self) -> Iterable[family.Point]:
        """Return all values of now."""
        found = list(_transport(self._transport()))
        with self._lock:
            now, taken_s = self._now, self._taken_s
            waited = self._waits.grown()
        if now is None:
            return found
        found += _agent(now)
        if self._clock() - taken_s > _patience_s(now):
            return found
        with self._scrape:
            self._parts.keep([one.uuid for one in now.domains])
            domains = self._domains(now, waited)
        return [*found, *_ledger(now, waited), *host.points(now), *domains]

    def _domains(
        self, now: sample.Sample, waited: Waited
    ) -> list[family.Point]:
        """Return those of as many domains as may be shown, always the same
        ones."""
        groups = []
        for one in sorted(now.domains, key=lambda one: one.uuid):
            group = list(domain.points(one, self._parts))
            if now.ledger is not None:
                group += domain.waits(one, waited.get(one.uuid, {}))
            groups.append(group)
        kept, domains, series = family.bounded(groups, self._limit)
        kept.append((OMITTED_DOMAINS, (), float(domains)))
        kept.append((OMITTED_SERIES, (), float(series)))
        return kept


def _patience_s(now: sample.Sample) -> float:
    interval_s = (now.interval_us or 0) / _US
    return max(_STALE_S, _STALE_INTERVALS * interval_s)


def _agent(now: sample.Sample) -> Iterator[family.Point]:
    names = (now.host, now.hypervisor_hostname or '', now.compute_id or '')
    yield INFO, names, 1.0
    yield SAMPLES, (), float(now.sequence + 1)
    yield SAMPLE_TIME, (), now.time_us / _US
    if now.interval_us is not None:
        yield INTERVAL, (), now.interval_us / _US
    for one in now.agent.collectors:
        yield DURATION, (one.name,), one.duration_us / _US
        yield SUCCESS, (one.name,), float(one.success)
    for what in now.missing:
        yield MISSING, (what,), 1.0
    for status, count in now.agent.identity_failures.items():
        yield UNIDENTIFIED, (status,), float(count)


def _ledger(now: sample.Sample, waited: Waited) -> Iterator[family.Point]:
    ledger = now.ledger
    if ledger is None:
        return
    for source in ('ebpf', 'sampled'):
        yield LEDGER, (source,), float(source == ledger.source)
    for loss in ('missed_switches', 'overruns', 'untracked_threads'):
        yield from family.known(LOSSES, getattr(ledger, loss), loss)
    yield from family.known(COMPLETENESS, ledger.completeness)
    for kind in entity.KINDS:
        us = waited.get(_HOST, {}).get(f'wait/{kind}', 0)
        yield WAITED, (kind,), us / _US


def _transport(now: vitals.Transport) -> Iterator[family.Point]:
    yield page.BUS_UP, (), float(now.bus == 'up')
    for state in ('connecting', 'up', 'away', 'refused'):
        yield BUS_STATE, (state,), float(state == now.bus)
    for what, value in (
        (SPOOLED, now.spooled),
        (SPOOL_BYTES, now.spool_bytes),
        (SPOOL_LIMIT, now.spool_limit_bytes),
        (DROPPED, now.dropped),
        (DELIVERED, now.delivered),
        (REFUSED, now.refused),
        (IN_FLIGHT, now.in_flight),
    ):
        yield what, (), float(value)
