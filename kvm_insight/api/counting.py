# SPDX-License-Identifier: Apache-2.0
"""Counting: how often what was asked; for any number of threads."""

import importlib.metadata
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.model import vitals
from kvm_insight.scrape import api, family, page
from kvm_insight.store import pipeline, trouble

#: What other methods, and addresses that are nowhere, are counted under.
OTHER = 'other'
_METHODS = {'GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'}


class Counting:
    """Counts requests, and looks into the store when it is asked."""

    def __init__(
        self,
        database: sa.Engine,
        silent_us: int,
        clock_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        """A host that is silent for longer than that is silent."""
        self._database = database
        self._silent_us = silent_us
        self._clock_us = clock_us
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: dict[str, float] = {}
        version = importlib.metadata.version('kvm-insight')
        #: All of it for Prometheus.
        self.page = page.Page(page.registry_of('api', version, self._read))

    def count(
        self, method: str, address: str, status: int, seconds: float
    ) -> None:
        """Take one more answer in."""
        known = method if method in _METHODS else OTHER
        with self._lock:
            self._requests[known, address, status] += 1
            before = self._seconds.get(address, 0.0)
            self._seconds[address] = before + seconds

    def _read(self) -> Iterator[family.Point]:
        with self._lock:
            requests, seconds = dict(self._requests), dict(self._seconds)
        try:
            with trouble.told(), self._database.connect() as store:
                since_us = self._clock_us() - self._silent_us
                found = pipeline.vitals_of(store, max(0, since_us))
        except exception.StoreError:
            found = None
        return api.points(vitals.Api(requests, seconds, found))
