# SPDX-License-Identifier: Apache-2.0
"""Told: one record of the bus, read and ready to be written."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from kvm_insight.model import (
    configuration,
    finding,
    recommendation,
    sample,
)
from kvm_insight.store import text

Record = TypeVar('Record', bound=sample.Wire)
Named = TypeVar(
    'Named',
    finding.Finding,
    recommendation.Recommendation,
    configuration.Finding,
)


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


def newest(
    records: Iterable[Told[Named]], stand: Callable[[Told[Named]], Any]
) -> dict[str, Told[Named]]:
    """Return what stands highest of each, of equals the last, by the key of
    its row; what was taken back is passed over."""
    found: dict[str, Told[Named]] = {}
    for one in records:
        if one.record is None:
            continue
        before = found.get(one.record.id)
        if before is None or stand(one) >= stand(before):
            found[one.record.id] = one
    return {text.key(name): one for name, one in found.items()}
