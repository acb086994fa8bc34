# SPDX-License-Identifier: Apache-2.0
"""One host of CloudSim 4.0: who gets how much of it, and what it draws."""

import math
from collections.abc import Sequence

#: By kind: HP ML110 G4 and G5, in turn.
PE_MIPS = (1860.0, 2660.0)
PES = 2
RAM_MB = 4096
POWER_W = (
    (86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117),
    (93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135),
)
#: Part of its MIPS that a VM keeps while it migrates.
KEPT = 0.9
#: Part of its MIPS that it takes at the destination meanwhile.
TAKEN = 0.1


class Host:
    """One host: its VMs in the order they came, and what they get."""

    def __init__(self, number: int) -> None:
        kind = number % len(PE_MIPS)
        self.number = number
        self.pe_mips = PE_MIPS[kind]
        self.mips = PES * self.pe_mips
        self.power_w = POWER_W[kind]
        self.vms: list[int] = []
        self.arriving: list[int] = []
        #: Whom the scheduler still takes for one that migrates away.
        self.leaving: set[int] = set()
        self.used = 0.0
        self.used_before = 0.0
        #: Since when this holds, what was given and wanted; -1 at first.
        self.since_s = -1.0
        self.given = 0.0
        self.wanted = 0.0

    def power(self, ratio: float) -> float:
        """Return W at a part of its MIPS."""
        if 1.0 < ratio < 1.01:
            ratio = 1.0
        low, high = math.floor(ratio * 10), math.ceil(ratio * 10)
        step = (self.power_w[high] - self.power_w[low]) / 10
        return self.power_w[low] + step * (ratio - low / 10) * 100

    def shares(self, wanted: Sequence[float]) -> list[float]:
        """Return the MIPS that each VM gets, in the order of ``vms``."""
        capped = [min(mips, self.pe_mips) for mips in wanted]
        left = self.mips
        for vm, mips in zip(self.vms, capped, strict=True):
            need = mips * TAKEN if vm in self.arriving else mips
            if left < need:
                return self._scaled(capped)
            left -= need
        return [
            mips * self._part(vm)
            for vm, mips in zip(self.vms, capped, strict=True)
        ]

    def _scaled(self, capped: list[float]) -> list[float]:
        total = sum(
            mips * TAKEN if vm in self.arriving else mips
            for vm, mips in zip(self.vms, capped, strict=True)
        )
        scale = self.mips / total
        return [
            float(math.floor(mips * scale * self._part(vm)))
            for vm, mips in zip(self.vms, capped, strict=True)
        ]

    def _part(self, vm: int) -> float:
        if vm in self.leaving:
            return KEPT
        return TAKEN if vm in self.arriving else 1.0
