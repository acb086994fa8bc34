# SPDX-License-Identifier: Apache-2.0
"""Page: all families of one service in the format that the scraper takes."""

import gzip
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import prometheus_client
from prometheus_client import exposition, metrics_core, registry

from kvm_insight.scrape import family

#: Who scrapes more often gets the same answer again.
_FRESH_S = 1.0

BUILD = family.info(
    'build', 'The package that the service runs.', 'service', 'version'
)
BUS_UP = family.gauge(
    'bus_up',
    'Whether the bus answered when it was last needed: 1, or 0. An agent'
    ' goes on into its spool while it is 0.',
)
FAMILIES = (BUILD, BUS_UP)

Read = Callable[[], Iterable[family.Point]]


class Collector(registry.Collector):
    """Families out of what ``read`` returns at each scrape."""

    def __init__(self, read: Read) -> None:
        """``read`` may be called from any thread; it must not wait."""
        self._read = read

    def collect(self) -> Iterator[metrics_core.Metric]:
        """Yield them."""
        return family.metrics(self._read())


def registry_of(
    service: str, version: str, read: Read
) -> prometheus_client.CollectorRegistry:
    """Return a registry with these families, the build and the process."""
    made = prometheus_client.CollectorRegistry()
    build = [(BUILD, (service, version), 1.0)]
    made.register(Collector(lambda: build))
    made.register(Collector(read))
    prometheus_client.ProcessCollector(registry=made)
    return made


class Page:
    """Renders a registry; for any number of threads at once."""

    def __init__(self, of: prometheus_client.CollectorRegistry) -> None:
        """Render this one."""
        self._registry = of
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, bytes]] = {}

    def render(
        self, accept: str = '', encoding: str = ''
    ) -> tuple[dict[str, str], bytes]:
        """Return headers and body for the scraper's ``Accept`` and
        ``Accept-Encoding``: OpenMetrics where it takes that, else text."""
        encoder, kind = exposition.choose_encoder(accept)
        with self._lock:
            now_s = time.monotonic()
            made_s, body = self._kept.get(kind, (-_FRESH_S, b''))
            if now_s - made_s >= _FRESH_S:
                body = encoder(self._registry)
                self._kept = {kind: (now_s, body)}
        headers = {'Content-Type': kind}
        if exposition.gzip_accepted(encoding):
            headers['Content-Encoding'] = 'gzip'
            body = gzip.compress(body, 1)
        return headers, body
