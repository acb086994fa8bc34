# SPDX-License-Identifier: Apache-2.0
"""Whose domain each is: its XML, parsed once, else the mapping file."""

import dataclasses
from collections import Counter
from collections.abc import Collection

from kvm_insight.identify import domain, mapping, parsed


class Catalog:
    """Descriptions of the domains that are here."""

    def __init__(self, owners: mapping.Owners | None = None) -> None:
        self._owners = owners or mapping.Owners()
        self._parsed = parsed.Parsed(domain.parse, domain.Description())
        self._known: dict[str, domain.Description] = {}

    def adopt(self, owners: mapping.Owners) -> None:
        """Go by this mapping file from now on."""
        self._owners = owners

    def describe(
        self, uuid: str, name: str, xml: str | None
    ) -> domain.Description:
        """Return what is known of a domain; XML is parsed when it changed.

        The operator's mapping speaks for those who have no project.
        """
        found = self._parsed.of(uuid, xml)
        if found.identity.project_id == 'unassigned':
            owner = self._owners.find(uuid, name)
            if owner is not None:
                found = dataclasses.replace(found, identity=owner)
        self._known[uuid] = found
        return found

    def keep(self, uuids: Collection[str]) -> None:
        """Forget all others."""
        for forgotten in self._known.keys() - set(uuids):
            self._known.pop(forgotten)
        self._parsed.keep(uuids)

    def failures(self) -> dict[str, int]:
        """Return how many lack a usable identity, by status."""
        counts = Counter(
            found.identity.status
            for found in self._known.values()
            if found.identity.status != 'ok'
        )
        return dict(sorted(counts.items()))
