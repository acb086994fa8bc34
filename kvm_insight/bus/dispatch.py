# SPDX-License-Identifier: Apache-2.0
"""Dispatch: records of several topics to whoever takes those of each."""

import logging
from collections.abc import Callable, Mapping

from kvm_insight import exception
from kvm_insight.bus import port

LOG = logging.getLogger(__name__)

#: Takes key and value; may raise CodecError.
Take = Callable[[str, bytes | None], None]


class Dispatch:
    """Hands on by topic; what cannot be read is logged and passed over."""

    def __init__(self, prefix: str, takes: Mapping[str, Take]) -> None:
        """``takes`` has the topics without the prefix."""
        self._takes = {prefix + name: take for name, take in takes.items()}

    @property
    def topics(self) -> list[str]:
        """Return the whole names of all topics."""
        return list(self._takes)

    def take(self, record: port.Record) -> None:
        """Hand on a record of one of these topics."""
        try:
            self._takes[record.partition.topic](record.key or '', record.value)
        except exception.CodecError as why:
            LOG.warning('%s/%s: %s', *record.partition, why)
