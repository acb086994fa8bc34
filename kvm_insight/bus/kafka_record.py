# SPDX-License-Identifier: Apache-2.0
"""Records and partitions, between Kafka's client and our port."""

from collections.abc import Collection
from typing import Any

from kafka import structs

from kvm_insight.bus import port


def partitions(theirs: Collection[Any]) -> list[port.Partition]:
    """Return Kafka's partitions as ours, in order."""
    return sorted(port.Partition(one[0], one[1]) for one in theirs)


def theirs(partition: port.Partition) -> structs.TopicPartition:
    """Return our partition as Kafka's."""
    return structs.TopicPartition(partition.topic, partition.number)


def ours(record: Any) -> port.Record:
    """Return Kafka's record as ours."""
    return port.Record(
        partition=port.Partition(record.topic, record.partition),
        offset=record.offset,
        key=None
        if record.key is None
        else record.key.decode('utf-8', 'replace'),
        value=record.value,
        timestamp_ms=record.timestamp,
        headers=dict(record.headers),
    )
