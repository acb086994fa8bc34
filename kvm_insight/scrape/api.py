# SPDX-License-Identifier: Apache-2.0
"""What is exposed by the API: how it is asked, and what the store has."""

from collections.abc import Iterator

from kvm_insight.model import vitals
from kvm_insight.scrape import family

_US = 1e6


def _gauge(name: str, words: str, *labels: str) -> family.Family:
    return family.gauge(f'store_{name}', words, *labels)


REQUESTS = family.counter(
    'api_requests',
    'Requests that were answered, since the start.',
    'method',
    'address',
    'status',
)
SECONDS = family.counter(
    'api_request_seconds', 'Time that answering them took.', 'address'
)
STORE_UP = _gauge('up', 'Whether the database answered: 1, or 0.')
HOSTS = _gauge('hosts', 'Hosts in the database, by what is heard.', 'state')
FINDINGS = _gauge('open_findings', 'Findings that are open.', 'verdict')
RECOMMENDATIONS = _gauge(
    'recommendations', 'Recommendations that are on the bus.', 'state'
)
NEWEST = _gauge(
    'newest_timestamp_seconds', 'When the newest thing was told that is there.'
)
OFFSET = _gauge(
    'offset_records', 'The next record to be read.', 'topic', 'partition'
)
FAMILIES = (
    REQUESTS,
    SECONDS,
    STORE_UP,
    HOSTS,
    FINDINGS,
    RECOMMENDATIONS,
    NEWEST,
    OFFSET,
)


def points(now: vitals.Api) -> Iterator[family.Point]:
    """Yield all values of now."""
    for (method, address, status), count in now.requests.items():
        yield REQUESTS, (method, address, str(status)), float(count)
    for address, seconds in now.seconds.items():
        yield SECONDS, (address,), seconds
    store = now.store
    yield STORE_UP, (), float(store is not None)
    if store is None:
        return
    for what, counted in (
        (HOSTS, store.hosts),
        (FINDINGS, store.findings),
        (RECOMMENDATIONS, store.recommendations),
    ):
        for label, count in counted.items():
            yield what, (label,), float(count)
    if store.newest_us is not None:
        yield NEWEST, (), store.newest_us / _US
    for (topic, partition), offset in store.offsets.items():
        yield OFFSET, (topic, str(partition)), float(offset)
