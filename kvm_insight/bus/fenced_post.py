# SPDX-License-Identifier: Apache-2.0
"""Fenced post: a planner's records on their way to the bus."""

import msgspec

from kvm_insight import exception
from kvm_insight.bus import lease, port, topic
from kvm_insight.model import codec, control, inventory, recommendation, sample

_DELIVERY_S = 10.0


class FencedPost:
    """Publishes in the name of one generation, as long as it holds."""

    def __init__(
        self,
        held: lease.Lease,
        producer: port.Producer,
        prefix: str,
        generation: int,
    ) -> None:
        self._lease = held
        self._producer = producer
        self._prefix = prefix
        self._generation = generation

    def recommendation(self, one: recommendation.Recommendation) -> None:
        """Publish it; raise exception.LeaseLost if that is not ours to do."""
        told = msgspec.structs.replace(one, generation=self._generation)
        self._publish(topic.RECOMMENDATIONS, one.id, told)

    def forget(self, name: str) -> None:
        """Delete a recommendation; raises as ``recommendation`` does."""
        self._publish(topic.RECOMMENDATIONS, name, None)

    def order(self, key: str, one: control.Order | None) -> None:
        """Ask others for something, or take it back; raises as
        ``recommendation`` does."""
        self._publish(topic.CONTROL, key, one)

    def facts(self, one: inventory.Facts) -> None:
        """Publish these under their key."""
        self._publish(topic.INVENTORY, inventory.key(one), one)

    def forget_facts(self, key: str) -> None:
        """Delete what was told of something that is not there any more."""
        self._publish(topic.INVENTORY, key, None)

    def _publish(
        self, name: str, key: str, record: sample.Wire | None
    ) -> None:
        if not self._lease.confirm():
            raise exception.LeaseLost
        value, headers = None, {}
        if record is not None:
            schema = str(record.__struct_config__.tag)
            value, headers = codec.encode(record), {'schema': schema.encode()}
        fate = self._producer.publish(
            self._prefix + name, key, value, headers=headers
        )
        fate.result(_DELIVERY_S)
