# SPDX-License-Identifier: Apache-2.0
"""Which samples count: each once, none that comes after a newer one."""

import msgspec

from kvm_insight.model import reading, sample, state

#: Agents that ended which are remembered; each agent start makes one.
_MOST_RETIRED = 8


class Admission:
    """Follows one host's sequence numbers."""

    def __init__(self) -> None:
        self.counters = state.Counters()
        self.retired: list[str] = []
        self.last: reading.Reading | None = None

    def admit(self, new: sample.Sample) -> bool:
        """Say whether the sample is new, and count it either way."""
        last = self.last
        if last is None:
            return self._accept(new, 0)
        if new.agent_id == last.agent_id:
            if new.sequence <= last.sequence:
                return self._refuse('duplicates')
            return self._accept(new, new.sequence - last.sequence - 1)
        if new.agent_id in self.retired:
            return self._refuse('late')
        if new.boot_id == last.boot_id and new.uptime_us <= last.uptime_us:
            return self._refuse('late')
        self.retired = [*self.retired, last.agent_id][-_MOST_RETIRED:]
        return self._accept(new, 0)

    def _accept(self, new: sample.Sample, missing: int) -> bool:
        counters = self.counters
        self.counters = msgspec.structs.replace(
            counters,
            accepted=counters.accepted + 1,
            missing=min(counters.missing + missing, sample.LIMIT),
        )
        before = self.last.layout if self.last else None
        self.last = reading.of(new, before)
        return True

    def _refuse(self, why: str) -> bool:
        count = getattr(self.counters, why) + 1
        self.counters = msgspec.structs.replace(self.counters, **{why: count})
        return False
