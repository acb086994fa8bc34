# SPDX-License-Identifier: Apache-2.0
"""Topic: notices for whoever reads Kafka and none of our other topics."""

from collections.abc import Iterator

from kvm_insight import exception
from kvm_insight.feed import notices, port
from kvm_insight.model import codec

_NAME = 'notices'


class Topic:
    """The feed ``topic``."""

    newest_only = False
    runs_in = 'planner'

    def __init__(self, settings: port.Settings, publish: port.Publish) -> None:
        """Publish by this way."""
        self._publish = publish
        self._notices = notices.Notices()

    def would(self, told: port.Told) -> Iterator[str]:
        """Yield each record."""
        for one in notices.Notices().of(told):
            yield f'publish on {_NAME}: {codec.encode(one).decode()}'

    def write(self, told: port.Told, may: port.May) -> None:
        """Publish what is new."""
        for one in self._notices.of(told):
            if not may():
                raise exception.LeaseLost
            self._publish(_NAME, one.id, codec.encode(one))

    def clear(self, may: port.May) -> list[str]:
        """Nothing can be taken back; the topic forgets by itself."""
        return []

    def close(self) -> None:
        """Nothing is held."""
