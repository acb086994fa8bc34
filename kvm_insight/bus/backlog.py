# SPDX-License-Identifier: Apache-2.0
"""What a producer holds that nobody acknowledged yet; bounded, in order."""

import collections
import dataclasses
import threading

from kvm_insight import exception
from kvm_insight.bus import delivery

_OVERHEAD = 100


@dataclasses.dataclass(slots=True, eq=False)
class Pending:
    """One record and its fate."""

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None
    headers: list[tuple[str, bytes]]
    fate: delivery.Delivery = dataclasses.field(
        default_factory=delivery.Delivery
    )
    sent_s: float = 0.0

    @property
    def size(self) -> int:
        """About what it takes in memory."""
        return len(self.value or b'') + _OVERHEAD


class Backlog:
    """Records that wait, then records that were sent, until finished."""

    def __init__(self, most: int, most_bytes: int) -> None:
        """Bound the number of records and their bytes."""
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Condition()
        self._waiting: collections.deque[Pending] = collections.deque()
        #: In the order sent; answers come in any order.
        self._sent: dict[Pending, None] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    def add(self, record: Pending) -> None:
        """Take a record; raise BusUnavailable when there is no room."""
        with self._lock:
            if (
                len(self) >= self._most
                or self._bytes + record.size > self._most_bytes
            ):
                raise exception.BusUnavailable(
                    f'{len(self)} records are not acknowledged yet'
                )
            self._bytes += record.size
            self._waiting.append(record)

    def first_waiting(self) -> Pending | None:
        """Return the next to send."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def oldest_sent(self) -> Pending | None:
        """Return the one that waits for its answer longest."""
        with self._lock:
            return next(iter(self._sent), None)

    def sent(self, record: Pending) -> None:
        """The first waiting one was sent."""
        with self._lock:
            if self._waiting and self._waiting[0] is record:
                self._waiting.popleft()
                self._sent[record] = None

    def unsend(self) -> None:
        """All that were sent wait again, in order."""
        with self._lock:
            self._waiting.extendleft(reversed(self._sent))
            self._sent.clear()

    def finish(
        self, record: Pending, result: int | exception.BusError
    ) -> None:
        """Decide a record's fate: its offset, or why not. Once."""
        with self._lock:
            if record.fate.done():
                return
            if record in self._sent:
                del self._sent[record]
            else:
                self._waiting.remove(record)
            self._bytes -= record.size
            if isinstance(result, exception.BusError):
                record.fate.fail(result)
            else:
                record.fate.succeed(result)
            self._lock.notify_all()

    def fail_all(self, why: exception.BusError) -> None:
        """Nothing of it will be sent."""
        with self._lock:
            records = [*self._sent, *self._waiting]
        for record in records:
            self.finish(record, why)

    def wait_empty(self, timeout_s: float) -> bool:
        """Say whether everything was finished in time."""
        with self._lock:
            return self._lock.wait_for(lambda: not len(self), timeout_s)
