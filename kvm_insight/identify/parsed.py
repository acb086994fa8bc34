# SPDX-License-Identifier: Apache-2.0
"""XML that is parsed when it is new, and not when it is seen again."""

from collections.abc import Callable, Collection
from typing import Generic, TypeVar

T = TypeVar('T')


class Parsed(Generic[T]):
    """What was made of the XML of each, by name."""

    def __init__(self, parse: Callable[[str], T], unknown: T) -> None:
        """``unknown`` stands for whoever never had any."""
        self._parse = parse
        self._unknown = unknown
        self._found: dict[str, tuple[str, T]] = {}

    def of(self, name: str, xml: str | None) -> T:
        """Return what its XML says; without any, libvirt is away, and what
        it was it still is."""
        before = self._found.get(name)
        if xml is None:
            return before[1] if before is not None else self._unknown
        if before is not None and before[0] == xml:
            return before[1]
        found = self._parse(xml)
        self._found[name] = (xml, found)
        return found

    def keep(self, names: Collection[str]) -> None:
        """Forget all others."""
        for forgotten in self._found.keys() - set(names):
            del self._found[forgotten]
