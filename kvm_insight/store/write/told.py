# SPDX-License-Identifier: Apache-2.0
"""Told: one record of the bus, read and ready to be written."""

import dataclasses
from typing import Generic, TypeVar

from kvm_insight.model import sample

Record = TypeVar('Record', bound=sample.Wire)


@dataclasses.dataclass(frozen=True, slots=True)
class Told(Generic[Record]):
    """What was said under a key, and when it came on the bus."""

    #: Where it lies on the bus.
    offset: int
    key: str
    #: None where it was taken back.
    record: Record | None
    raw: bytes
    bus_us: int
