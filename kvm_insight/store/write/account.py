# SPDX-License-Identifier: Apache-2.0
"""Account: for whom each instance waited within an hour, by class.

Classes are made to add up to no more than the delay before they are written,
so that they do so in all sums: what the ledger charged beyond it is taken off
in proportion.
"""

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
        #: What others of the same project made wait.
        self._own_project: collections.Counter[str] = collections.Counter()
        self._projects = {
            one.uuid: one.project_id
            for one in record.instances
            if one.project_id
        }
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
                whose = self._projects.get(sufferer)
                if whose and whose == self._projects.get(cause):
                    self._own_project[sufferer] += us

    def columns(self, uuid: str, cpu: usage.Cpu) -> dict[str, int]:
        """Return what an instance's row says of the ledger."""
        sums = self._waited.get(uuid, collections.Counter())
        waited = {str(kind): sums[kind] for kind in CLASSES}
        # Its cgroup tells the wait for the quota without a ledger, too.
        waited['quota'] = max(waited['quota'], cpu.throttled_us)
        charged = sum(waited.values())
        waited['own_project'] = self._own_project[uuid]
        if charged > cpu.delay_us:
            for name, us in waited.items():
                waited[name] = us * cpu.delay_us // charged
        found = {f'waited_{name}_us': us for name, us in waited.items()}
        return found | {'caused_us': self._caused[uuid]}


def _class(victim: str, runner: str) -> Class:
    if runner == victim:
        return 'own'
    if entity.uuid_of(runner) is not None:
        return 'neighbour'
    if runner == entity.QUOTA:
        return 'quota'
    return 'host' if entity.is_host(runner) else 'unattributed'
