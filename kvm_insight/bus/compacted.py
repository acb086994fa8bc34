# SPDX-License-Identifier: Apache-2.0
"""The newest record of each key in one partition of a compacted topic."""

import time

from kvm_insight import exception
from kvm_insight.bus import port

_POLL_S = 0.5


def newest(
    bus: port.Bus, partition: port.Partition, timeout_s: float
) -> dict[str, port.Record]:
    """Return key -> record, without those that were deleted.

    Raises BusUnavailable when the end is not reached in time.
    """
    consumer = bus.consumer([partition.topic], partitions=[partition])
    deadline = time.monotonic() + timeout_s
    found: dict[str, port.Record] = {}
    try:
        end = consumer.end_offset(partition)
        consumer.seek(partition, 0)
        while consumer.position(partition) < end:
            if time.monotonic() >= deadline:
                raise exception.BusUnavailable(
                    f'{partition.topic}/{partition.number} was not read to '
                    f'its end in {timeout_s:.0f} s'
                )
            for record in consumer.poll(_POLL_S):
                if record.key is None:
                    continue
                if record.value is None:
                    found.pop(record.key, None)
                else:
                    found[record.key] = record
    finally:
        consumer.close()
    return found
