# SPDX-License-Identifier: Apache-2.0
"""What is exposed by an analyzer: what it reads, tells, and sees of hosts."""

import itertools
import time
import typing
from collections.abc import Callable, Iterator

from kvm_insight.model import finding, vitals
from kvm_insight.scrape import family, page

_US = 1e6
#: A report is made at least every ten minutes; of an older one nobody knows
#: whether it still holds.
_STALE_S = 900.0
_RESOURCES: tuple[str, ...] = typing.get_args(
    typing.get_type_hints(finding.Finding)['resource']
)
_VERDICTS: tuple[str, ...] = typing.get_args(finding.Verdict)


def _counter(name: str, words: str) -> family.Family:
    return family.counter(f'analyzer_{name}', words)


def _gauge(name: str, words: str, *labels: str) -> family.Family:
    return family.gauge(f'analyzer_{name}', words, *labels)


LOOP = _gauge('loop_timestamp_seconds', 'When its loop last came round.')
PARTITIONS = _gauge('partitions', 'Partitions that the group gave it.')
LAG = _gauge(
    'lag_samples', 'Samples on the bus that it has not looked at yet.'
)
HOSTS = _gauge('hosts', 'Hosts of its partitions with a report.')
OPEN = _gauge(
    'open_findings',
    'Open findings by contended resource and class.',
    'resource',
    'verdict',
)
SAMPLES = _counter('samples', 'Samples that the detectors looked at.')
DUPLICATES = _counter('duplicate_samples', 'Samples that had come before.')
LATE = _counter('late_samples', 'Samples that came after a newer one.')
MISSED = _counter('missing_samples', 'Samples that never came: gaps.')
DEAD = _counter('dead_letters', 'Records that could not be used.')
FINDINGS = _counter('published_findings', 'Records of findings published.')
LOST = _gauge(
    'host_lost_cores',
    'What open findings say is lost on a host, each victim once.',
    'host',
)
WAITED = _gauge(
    'host_waited_cores', 'Cores that all instances waited for.', 'host'
)
WANTED = _gauge(
    'host_wanted_cores', 'Cores that all instances ran or waited for.', 'host'
)
REPORTED = _gauge(
    'host_report_timestamp_seconds',
    'Of the sample that the newest report is from.',
    'host',
)
OMITTED = _gauge(
    'omitted_hosts', 'Hosts left out because of series_limit, now.'
)
FAMILIES = (
    LOOP,
    PARTITIONS,
    LAG,
    HOSTS,
    OPEN,
    SAMPLES,
    DUPLICATES,
    LATE,
    MISSED,
    DEAD,
    FINDINGS,
    LOST,
    WAITED,
    WANTED,
    REPORTED,
    OMITTED,
)


def points(
    now: vitals.Analyzer,
    series_limit: int,
    clock: Callable[[], float] = time.time,
) -> Iterator[family.Point]:
    """Yield all values of now."""
    yield page.BUS_UP, (), float(now.bus_up)
    if now.time_us is not None:
        yield LOOP, (), now.time_us / _US
    yield PARTITIONS, (), float(now.partitions)
    yield from family.known(LAG, now.lag)
    for what, value in (
        (SAMPLES, now.accepted),
        (DUPLICATES, now.duplicates),
        (LATE, now.late),
        (MISSED, now.missing),
        (DEAD, now.dead_letters),
        (FINDINGS, now.findings),
    ):
        yield what, (), float(value)
    for both in itertools.product(_RESOURCES, _VERDICTS):
        yield OPEN, both, float(now.open.get(both, 0))
    oldest_us = (clock() - _STALE_S) * _US
    fresh = {
        name: one
        for name, one in now.hosts.items()
        if one.time_us >= oldest_us
    }
    yield HOSTS, (), float(len(fresh))
    groups = [list(_host(name, fresh[name])) for name in sorted(fresh)]
    kept, hosts, _ = family.bounded(groups, series_limit)
    yield from kept
    yield OMITTED, (), float(hosts)


def _host(name: str, one: vitals.Host) -> Iterator[family.Point]:
    yield REPORTED, (name,), one.time_us / _US
    yield LOST, (name,), one.lost
    yield from family.known(WAITED, one.waited, name)
    yield from family.known(WANTED, one.wanted, name)
