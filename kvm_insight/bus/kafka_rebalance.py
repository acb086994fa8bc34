# SPDX-License-Identifier: Apache-2.0
"""Tells our Listener what Kafka's group did, in a thread where it may ask.

kafka-python calls its listener in its own event loop, where seek, commit and
committed would deadlock. Ours runs in a thread while the loop, and with it
the heartbeat, goes on; ``poll`` waits for it.
"""

import threading
from collections.abc import Callable, Collection
from typing import Any

import kafka

from kvm_insight.bus import kafka_record, port

_LOOK_EVERY_S = 0.01


class Rebalance(kafka.AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Calls ``tell(kind, partitions)`` for what is assigned, revoked, lost.

    What ``tell`` raises is in ``error`` afterwards, for ``poll`` to raise.
    """

    def __init__(
        self, tell: Callable[[str, list[port.Partition]], None]
    ) -> None:
        self._tell = tell
        self.net: Any = None
        self.error: BaseException | None = None

    def silence(self) -> None:
        """Tell nothing more: its client has been given up."""
        self._tell = lambda *_: None

    async def on_partitions_assigned(self, assigned: Collection[Any]) -> None:
        """They are ours now."""
        await self._run('assigned', assigned)

    async def on_partitions_revoked(self, revoked: Collection[Any]) -> None:
        """They are ours no longer, but may be committed."""
        await self._run('revoked', revoked)

    async def on_partitions_lost(self, lost: Collection[Any]) -> None:
        """They were somebody else's already."""
        await self._run('lost', lost)

    async def _run(self, kind: str, partitions: Collection[Any]) -> None:
        if not partitions:
            return
        thread = threading.Thread(
            target=self._call,
            args=(kind, kafka_record.partitions(partitions)),
            name='kvm-insight-rebalance',
        )
        thread.start()
        while thread.is_alive():
            await self.net.sleep(_LOOK_EVERY_S)

    def _call(self, kind: str, partitions: list[port.Partition]) -> None:
        try:
            self._tell(kind, partitions)
        except BaseException as why:
            self.error = why
