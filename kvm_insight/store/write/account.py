# SPDX-License-Identifier: Apache-2.0
"""Account: for whom each instance waited within an hour, by class."""

import collections
from typing import Literal, get_args

from kvm_insight.model import entity, usage

Class = Literal['neighbour', 'own', 'quota', 'host', 'unattributed']
CLASSES: tuple[Class, ...] = get_args(Class)


class Account:
    """Sums of one record's ledger, by instance."""

    def __init__(self, record: usage.HostUsage) -> None:
        """Go through the ledger once."""
        self._waited: dict[str, collections.Counter[Class]] = {}
        self._caused: collections.Counter[str] = collections.Counter()
        names = record.entities
        for victim, runner, us in record.charges:
            if max(victim, runner) < len(names):
                self._charge(names[victim], names[runner], us)

    def _charge(self, victim: str, runner: str, us: int) -> None:
        sufferer, cause = entity.uuid_of(victim), entity.uuid_of(runner)
        if sufferer is not None:
            sums = self._waited.setdefault(sufferer, collections.Counter())
            sums[_class(victim, runner)] += us
            if cause is not None and cause != sufferer:
                self._caused[cause] += us

    def columns(self, uuid: str) -> dict[str, int]:
        """Return what an instance's row says of the ledger."""
        sums = self._waited.get(uuid, collections.Counter())
        found = {f'waited_{kind}_us': sums[kind] for kind in CLASSES}
        found['caused_us'] = self._caused[uuid]
        return found


def _class(victim: str, runner: str) -> Class:
    if runner == victim:
        return 'own'
    if entity.uuid_of(runner) is not None:
        return 'neighbour'
    if runner == entity.QUOTA:
        return 'quota'
    return 'host' if entity.is_host(runner) else 'unattributed'
