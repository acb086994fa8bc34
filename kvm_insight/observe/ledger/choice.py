# SPDX-License-Identifier: Apache-2.0
"""Which ledger runs: the exact one while it can, else the sampled one."""

import logging
from collections.abc import Callable, Mapping, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.model import contention, sample
from kvm_insight.observe.ledger import port

LOG = logging.getLogger(__name__)

EXACT = 'ebpf'
SAMPLED = 'sampled'
#: Let the host decide.
AUTO = 'auto'

Load = Callable[[str], port.Collector]


class Choice:
    """A ledger that never fails: it changes its source and says why."""

    def __init__(self, load: Load, wanted: str = AUTO) -> None:
        """Choose; with ``wanted`` other than auto only that one will do.

        Raises ConfigError when the wanted one cannot run here.
        """
        self._load = load
        self.reason: str | None = None
        self._members: Sequence[port.Member] = ()
        self._collector = self._choose(wanted)
        LOG.info(
            'contention ledger: %s%s',
            self.source,
            f' ({self.reason})' if self.reason else '',
        )

    @property
    def source(self) -> str:
        """Return ``ebpf`` or ``sampled``."""
        return self._collector.source

    @property
    def ticks(self) -> bool:
        """Say whether it wants a reading each second."""
        return self._collector.ticks

    def watch(self, members: Sequence[port.Member]) -> None:
        """These are the entities now."""
        self._members = members
        try:
            self._collector.watch(members)
        except exception.LedgerError as why:
            self._fall_back(why)

    def tick(self, reading: contention.Reading) -> None:
        """Hand a reading on."""
        self._collector.tick(reading)

    def collect(self, grown_us: Mapping[str, int]) -> sample.Ledger | None:
        """Return the interval's ledger; None in the one it broke in."""
        try:
            ledger = self._collector.collect(dict(grown_us))
        except exception.LedgerError as why:
            self._fall_back(why)
            return None
        if self.reason is None:
            return ledger
        return msgspec.structs.replace(ledger, reason=self.reason)

    def close(self) -> None:
        """Leave nothing behind."""
        self._collector.close()

    def _choose(self, wanted: str) -> port.Collector:
        if wanted == SAMPLED:
            self.reason = 'chosen by [agent] ledger = sampled'
            return self._load(SAMPLED)
        try:
            return self._load(EXACT)
        except exception.LedgerError as why:
            if wanted == EXACT:
                raise exception.ConfigError(
                    f'[agent] ledger = ebpf cannot run here: {why}; set'
                    ' ledger = auto to go on with sampled'
                ) from why
            self.reason = str(why)[:1024]
            return self._load(SAMPLED)

    def _fall_back(self, why: exception.LedgerError) -> None:
        LOG.warning(
            'contention ledger: %s gives up (%s), sampled from now on',
            self.source,
            why,
        )
        self._collector.close()
        self._collector = self._load(SAMPLED)
        self.reason = str(why)[:1024]
        self._collector.watch(self._members)
