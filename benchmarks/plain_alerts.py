# SPDX-License-Identifier: Apache-2.0
"""Alerts the plain way, to compare with: a wait over a fixed threshold."""

from kvm_insight.model import sample


class Alerts:
    """A wait over 10 % of what was wanted, in three of five samples."""

    def __init__(self) -> None:
        self.count = 0
        self._last: dict[tuple[str, str], tuple[int, int]] = {}
        self._above: dict[tuple[str, str], int] = {}

    def take(self, new: sample.Sample) -> None:
        """Look at one sample."""
        for domain in new.domains:
            key = new.host, domain.uuid
            run_us = sum(vcpu.run_us or 0 for vcpu in domain.vcpus)
            delay_us = sum(vcpu.run_delay_us or 0 for vcpu in domain.vcpus)
            before = self._last.get(key)
            self._last[key] = run_us, delay_us
            if before is None:
                continue
            wait_us = delay_us - before[1]
            wanted_us = run_us - before[0] + wait_us
            bits = self._above.get(key, 0) << 1 & 0b11111
            bits |= wait_us > 0.1 * wanted_us
            self._above[key] = bits
            self.count += bits & 1 and bits.bit_count() >= 3
