# SPDX-License-Identifier: Apache-2.0
"""What is exposed by the service that writes for Nova and Watcher."""

from collections.abc import Iterator

from kvm_insight.model import vitals
from kvm_insight.scrape import family, page

_US = 1e6


def _gauge(name: str, words: str, *labels: str) -> family.Family:
    return family.gauge(f'feed_{name}', words, *labels)


LOOP = _gauge('loop_timestamp_seconds', 'When its loop last came round.')
CURRENT = _gauge(
    'current', 'Whether all that is on the bus was read: 1; before that 0.'
)
HOSTS = _gauge('hosts', 'Hosts of which there is a report.')
WORKS = _gauge('works', 'Whether the last write worked.', 'feed')
WRITTEN = _gauge(
    'written_timestamp_seconds', 'When its file was written last.', 'feed'
)
FAMILIES = (LOOP, CURRENT, HOSTS, WORKS, WRITTEN)


def points(now: vitals.Feeder) -> Iterator[family.Point]:
    """Yield all values of now."""
    yield page.BUS_UP, (), float(now.bus_up)
    if now.time_us is not None:
        yield LOOP, (), now.time_us / _US
    yield CURRENT, (), float(now.current)
    yield HOSTS, (), float(now.hosts)
    for feed, works in now.works.items():
        yield WORKS, (feed,), float(works)
    for feed, us in now.written_us.items():
        yield WRITTEN, (feed,), us / _US
