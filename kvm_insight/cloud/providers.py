# SPDX-License-Identifier: Apache-2.0
"""Providers: reads of Placement what has changed there, several at once.

A provider's generation tells that its inventories or traits are others; who
holds how much of it is read again where Nova told of a change, too, since a
generation stays when allocations are deleted.
"""

import concurrent.futures
import threading
from collections.abc import Callable, Collection
from typing import TypeVar

from kvm_insight import exception
from kvm_insight.cloud import client, known, placement

#: Providers that are read beside each other.
AT_ONCE = 4

_Answer = TypeVar('_Answer')


class Providers:
    """Reads the providers of one cloud."""

    def __init__(self, ask: client.Client) -> None:
        """Ask nobody yet."""
        self._ask = ask

    def read(
        self,
        found: known.Known,
        providers: list[placement.Provider],
        again: Collection[str],
        stop: threading.Event,
    ) -> None:
        """Put to it what providers have; ``again`` are hosts to be read in
        any case. Once ``stop`` is set it gives up."""
        roots = {one.id for one in found.hypervisors}
        at = {one.id: one.service.host for one in found.hypervisors}
        generations = {
            one.uuid: one.generation for one in providers if one.uuid in roots
        }
        before = {
            uuid: held
            for uuid, held in found.holdings.items()
            if found.generations.get(uuid) == generations.get(uuid)
        }
        stale = [
            uuid
            for uuid in generations
            if uuid not in before or at[uuid] in again
        ]
        below = [
            one.uuid
            for one in providers
            if one.uuid not in roots and one.root_provider_uuid in roots
        ]

        def holding(uuid: str) -> placement.Holding | None:
            return placement.read_holding(self._ask, uuid, before.get(uuid))

        fresh = dict(zip(stale, _each(holding, stale, stop), strict=True))
        inside = _each(self._consumers, below, stop)
        found.nested = frozenset(x for each in inside for x in each)
        found.holdings = {
            uuid: held
            for uuid, held in (found.holdings | fresh).items()
            if held is not None and uuid in generations
        }
        found.generations = generations

    def _consumers(self, uuid: str) -> Collection[str]:
        try:
            return placement.read_allocations(self._ask, uuid).keys()
        except exception.CloudGone:
            return ()


def _each(
    ask: Callable[[str], _Answer], names: list[str], stop: threading.Event
) -> list[_Answer]:
    """Return an answer for each, in order; the first error ends it."""

    def one(name: str) -> _Answer:
        if stop.is_set():
            raise exception.CloudUnavailable('another part was not read')
        return ask(name)

    pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    try:
        return list(pool.map(one, names))
    finally:
        # Who waits in the queue would each wait for the time-out, too.
        pool.shutdown(cancel_futures=True)
