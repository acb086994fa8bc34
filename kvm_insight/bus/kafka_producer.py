# SPDX-License-Identifier: Apache-2.0
"""Kafka's producer with what it lacks: bounds, a watchdog, no blocking.

kafka-python's producer blocks while it is built, takes records without end
while the broker is away, and in 3.0.12 never sends again after a batch
expired in retry. So a thread of ours holds what is not acknowledged, builds
the client, and builds another one when the first is found dumb.
"""

import contextlib
import functools
import logging
import queue
import threading
import time
from collections.abc import Mapping
from typing import Any

import kafka
from kafka import errors

from kvm_insight import exception
from kvm_insight.bus import (
    backlog,
    delivery,
    kafka_client,
    kafka_error,
    port,
)

LOG = logging.getLogger(__name__)

_RETRY_S = 1.0
_LOOK_EVERY_S = 0.1
_IDLE_S = 1.0
_CLOSE_S = 2.0
#: So long a client that woke up may catch up before it is replaced.
_GRACE_S = 5.0
#: No answer for so long is worth telling.
_QUIET_S = 10.0
_METADATA_MS = 1500


class Producer:
    """Hands records to a thread that owns the client."""

    def __init__(self, chosen: kafka_client.Settings) -> None:
        """Begin to connect; does not wait for it."""
        self._settings = chosen
        self._backlog = backlog.Backlog(
            chosen.in_flight, chosen.in_flight_bytes
        )
        self._results: queue.SimpleQueue[tuple[Any, backlog.Pending, Any]] = (
            queue.SimpleQueue()
        )
        self._client: Any = None
        self._spare: Any = None
        self._spare_since_s = 0.0
        self._next_try_s = 0.0
        self._trouble: exception.BusError | None = None
        self._work = delivery.Wakeup()
        self._closed = False
        #: How often a client was replaced.
        self.rebuilt = 0
        self._thread = threading.Thread(
            target=self._run, name='kvm-insight-kafka-producer', daemon=True
        )
        self._thread.start()

    def publish(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        *,
        timestamp_ms: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> port.Delivery:
        """Hand one record over; order holds within a key."""
        record = backlog.Pending(
            topic,
            None if key is None else key.encode(),
            value,
            timestamp_ms,
            list((headers or {}).items()),
        )
        try:
            self._check(record)
            self._backlog.add(record)
        except exception.BusError as why:
            record.fate.fail(why)
        self._work.set()
        return record.fate

    def _check(self, record: backlog.Pending) -> None:
        if self._closed:
            raise exception.BusUnavailable('the producer is closed')
        if record.key is None and record.value is None:
            raise exception.RecordRefused('a tombstone wants a key')
        if len(record.value or b'') > self._settings.max_record_bytes:
            raise exception.RecordRefused(
                f'{len(record.value or b"")} bytes are more than '
                f'max_record_bytes ({self._settings.max_record_bytes})'
            )

    def flush(self, timeout_s: float) -> None:
        """Wait for all deliveries; raise BusUnavailable when time is over."""
        if not self._backlog.wait_empty(timeout_s):
            raise exception.BusUnavailable(
                f'{len(self._backlog)} records not acknowledged in '
                f'{timeout_s} s'
            )

    def trouble(self) -> exception.BusError | None:
        """Return why nothing goes out at the moment."""
        return self._trouble

    def close(self, *, linger_s: float = 1.0) -> None:
        """End within a moment; what is not acknowledged by then has failed."""
        if self._closed:
            return
        with contextlib.suppress(exception.BusUnavailable):
            # A healthy broker is connected to within a second.
            if self._trouble is None and linger_s > 0:
                self.flush(linger_s)
        self._closed = True
        self._work.set()
        # One that is connecting cannot be hurried; it ends by itself.
        self._thread.join(0.5 if self._client is None else 2 * _CLOSE_S)
        self._backlog.fail_all(
            exception.BusUnavailable('closed before it was acknowledged')
        )

    # All that follows runs in the thread

    def _run(self) -> None:
        while not self._closed:
            try:
                self._step()
            except Exception:
                # Whatever the client does, its replacement may do better.
                LOG.exception('the Kafka producer failed, building another')
                self._replace(None)
            self._work.wait(_LOOK_EVERY_S if len(self._backlog) else _IDLE_S)
        kafka_client.discard(self._spare)
        kafka_client.discard(self._client)
        self._settle()

    def _step(self) -> None:
        self._settle()
        if self._client is None:
            self._client = self._connect()
        if self._client is not None:
            self._send()
            self._settle()
            self._watch()

    def _connect(self) -> Any:
        """Return a new client, or None: ``trouble`` says why."""
        if time.monotonic() < self._next_try_s:
            return None
        try:
            made = kafka_client.build(
                kafka.KafkaProducer,
                self._settings,
                metrics_enabled=False,
                acks='all',
                enable_idempotence=True,
                compression_type='zstd',
                linger_ms=50,
                batch_size=256 * 1024,
                max_request_size=self._settings.max_record_bytes + 4096,
                delivery_timeout_ms=self._settings.delivery_timeout_ms,
                max_block_ms=_METADATA_MS,
                allow_auto_create_topics=False,
            )
        except exception.BusError as why:
            self._next_try_s = time.monotonic() + _RETRY_S
            self._trouble = why
            if isinstance(why, exception.BusRefused):
                self._backlog.fail_all(why)
            return None
        self._trouble = None
        return made

    # Sending

    def _send(self) -> None:
        while record := self._backlog.first_waiting():
            if self._hand_over(record):
                self._backlog.sent(record)
            elif not record.fate.done():
                return

    def _hand_over(self, record: backlog.Pending) -> bool:
        """Give it to the client; False: not now, or not at all."""
        record.sent_s = time.monotonic()
        try:
            future = self._client.send(
                record.topic,
                value=record.value,
                key=record.key,
                headers=record.headers,
                timestamp_ms=record.timestamp_ms,
            )
        except errors.KafkaTimeoutError as why:
            self._judge_silence(record, why)
            return False
        except (errors.KafkaError, ValueError, TypeError, OSError) as why:
            self._judge_error(record, why)
            return False
        answer = functools.partial(self._note, self._client, record)
        future.add_callback(answer)
        future.add_errback(answer)
        return True

    def _note(self, client: Any, record: backlog.Pending, result: Any) -> None:
        """Called by the client's thread."""
        self._results.put((client, record, result))
        self._work.set()

    def _judge_silence(self, record: backlog.Pending, why: Exception) -> None:
        """No metadata in time: a missing topic looks like a broker away."""
        refusal = kafka_client.explain_topic(
            self._client._metadata, record.topic, self._client._sender.wakeup
        )
        if refusal is not None:
            self._backlog.finish(record, refusal)
        else:
            self._trouble = kafka_error.translate(why)

    def _judge_error(self, record: backlog.Pending, why: Exception) -> None:
        error = kafka_error.translate(why)
        if isinstance(why, (ValueError, TypeError)):
            error = exception.RecordRefused(str(why))
        if isinstance(error, exception.BusRefused):
            self._backlog.finish(record, error)
        else:
            self._trouble = error
            self._replace(None)

    # Answers

    def _settle(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                client, record, result = self._results.get_nowait()
                if not isinstance(result, BaseException):
                    self._trouble = None
                    self._backlog.finish(record, result.offset)
                elif client is self._client:
                    self._failed(record, result)

    def _failed(self, record: backlog.Pending, why: BaseException) -> None:
        error = kafka_error.translate(why)
        if isinstance(error, exception.BusRefused):
            self._backlog.finish(record, error)
            if isinstance(error, exception.RecordRefused):
                return
        # An error does not mean "not written", and the client may be dumb
        # from now on: another one sends all again, in order.
        LOG.debug('delivery failed, building another producer: %s', why)
        self._replace(None)

    # The watchdog

    def _watch(self) -> None:
        """Replace a client that is dumb while the broker answers others."""
        oldest = self._backlog.oldest_sent()
        age = 0.0 if oldest is None else time.monotonic() - oldest.sent_s
        if age > _QUIET_S:
            self._trouble = self._trouble or exception.BusUnavailable(
                f'no answer for {age:.0f} s'
            )
        if age <= self._settings.wedged_after_s:
            kafka_client.discard(self._spare)
            self._spare = None
        elif self._spare is None:
            # A broker that just came back gets a moment to answer the first.
            self._spare = self._connect()
            self._spare_since_s = time.monotonic()
        elif time.monotonic() > self._spare_since_s + _GRACE_S:
            LOG.warning(
                'Kafka answers, but this producer was not answered for '
                '%.0f s: building another, resending %d records',
                age,
                len(self._backlog),
            )
            self._replace(self._spare)

    def _replace(self, client: Any) -> None:
        """Use another client (None: one to be built) and send all again."""
        old, self._client, self._spare = self._client, client, None
        kafka_client.discard(old)
        if old is not None:
            self.rebuilt += 1
        self._backlog.unsend()
