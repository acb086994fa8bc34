# SPDX-License-Identifier: Apache-2.0
"""Track: one domain as it is followed, from evaluation to evaluation."""

import dataclasses
import functools
import sys

from kvm_insight.detect import baseline, minutes, settings
from kvm_insight.model import entity, inventory, sample


@dataclasses.dataclass(slots=True)
class Track:
    """One domain: its baseline, and which windows were above lately."""

    uuid: str
    epoch: str
    rules: settings.Settings
    baseline: baseline.Baseline
    #: Bits a window, the latest evaluation lowest; then those of the early
    #: looks through all but the last. Of who was above nowhere of late, as
    #: nearly all, it is the same object.
    flags: tuple[int, ...]
    #: Samples in a row without it.
    absent: int = 0
    #: What is usual for those like it elsewhere, where that is known.
    cohort: inventory.Cohort | None = None
    #: Its name in the ledger and in the window.
    entity: str = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self.uuid = sys.intern(self.uuid)
        self.epoch = sys.intern(self.epoch)
        self.entity = entity.domain(self.uuid)
        if not any(self.flags):
            self.forget()

    def saw(self, scale: int, above: bool) -> None:
        """Remember one evaluation of one window."""
        mask = (1 << self.rules.of) - 1
        flags = list(self.flags)
        flags[scale] = (flags[scale] << 1 | above) & mask
        self.flags = tuple(flags) if any(flags) else calm(self.rules)

    def sustained(self, scale: int) -> bool:
        """Say whether the window is above now, and was often enough."""
        flags = self.flags[scale]
        return bool(flags & 1) and flags.bit_count() >= self.rules.above

    def lasts(self, scale: int) -> bool:
        """Say whether the window was above in all of its evaluations."""
        return self.flags[scale].bit_count() >= self.rules.of

    def forget(self) -> None:
        """Begin to count evaluations anew."""
        self.flags = calm(self.rules)


@functools.cache
def calm(rules: settings.Settings) -> tuple[int, ...]:
    """Return the flags of one that was above nowhere."""
    return (0,) * (2 * len(rules.scales) - 1)


def of(
    domain: sample.Domain, rules: settings.Settings, known: minutes.Minutes
) -> Track:
    """Return the track of a domain that is new."""
    row = known.add(vcpus_of(domain))
    return Track(
        domain.uuid,
        domain.epoch,
        rules,
        baseline.Baseline(rules, known, row),
        calm(rules),
    )


def vcpus_of(domain: sample.Domain) -> int:
    """Return how many vCPUs have a thread; at least one."""
    threads = sum(
        vcpu.tid is not None or vcpu.run_us is not None
        for vcpu in domain.vcpus
    )
    return max(1, threads)
