# SPDX-License-Identifier: Apache-2.0
"""The Kafka bus: what the others of this room are put together to."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import kafka
from kafka import errors

from kvm_insight.bus import (
    kafka_client,
    kafka_consumer,
    kafka_error,
    kafka_producer,
    port,
)


def connect(settings: Mapping[str, object]) -> port.Bus:
    """Return the bus; raise ConfigError for what cannot work."""
    chosen = kafka_client.read(settings)
    kafka_client.hush()
    return Bus(chosen)


class Bus:
    """Producers and consumers with the same settings."""

    def __init__(self, chosen: kafka_client.Settings) -> None:
        """Use settings that were checked; connects to nothing."""
        self._settings = chosen

    def producer(self) -> port.Producer:
        """Return a new producer; does not wait for a broker."""
        return kafka_producer.Producer(self._settings)

    def consumer(
        self,
        topics: Sequence[str],
        *,
        group: str | None = None,
        listener: port.Listener | None = None,
        from_end: bool = False,
        partitions: Sequence[port.Partition] | None = None,
    ) -> port.Consumer:
        """Return a new consumer; does not wait for a broker."""
        return kafka_consumer.Consumer(
            self._settings,
            topics,
            group=group,
            listener=listener,
            from_end=from_end,
            partitions=partitions,
        )

    def topics(self) -> dict[str, int]:
        """Return the topics that are there."""
        with self._admin() as admin:
            found = admin.describe_topics()
        return {
            one['name']: len(one['partitions'])
            for one in found
            if not one.get('is_internal')
        }

    def create_topics(self, topics: Sequence[port.Topic]) -> list[str]:
        """Create those that are missing; return their names."""
        with self._admin() as admin:
            there = set(admin.list_topics())
            return [
                topic.name
                for topic in topics
                if topic.name not in there and self._create(admin, topic)
            ]

    def _create(self, admin: Any, topic: port.Topic) -> bool:
        try:
            admin.create_topics(
                {
                    topic.name: {
                        'num_partitions': topic.partitions,
                        'replication_factor': topic.replication,
                        'configs': self._topic_settings(topic),
                    }
                },
                wait_for_metadata=True,
            )
        except errors.TopicAlreadyExistsError:
            return False
        return True

    def _topic_settings(self, topic: port.Topic) -> dict[str, str]:
        retention = topic.retention_s
        return {
            'cleanup.policy': 'compact' if topic.compacted else 'delete',
            'retention.ms': str(-1 if retention is None else retention * 1000),
            'max.message.bytes': str(self._settings.max_record_bytes + 4096),
            # One broker may be away and everything acknowledged is there.
            'min.insync.replicas': str(max(1, topic.replication - 1)),
        }

    def close(self) -> None:
        """Nothing is held here."""

    @contextlib.contextmanager
    def _admin(self) -> Iterator[Any]:
        admin = kafka_client.build(kafka.KafkaAdminClient, self._settings)
        try:
            with kafka_error.translated():
                yield admin
        finally:
            admin.close()
