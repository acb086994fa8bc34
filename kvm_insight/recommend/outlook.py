# SPDX-License-Identifier: Apache-2.0
"""Outlook: what each instance will want soon, from its last hour or two.

For decisions that repeat every few minutes, where the forecast of peaks looks
further and needs days. An instance is a level and a variance; a sum of many
is the sum of both, so that their peaks are not added up.
"""

import dataclasses

import numpy
from numpy import typing as npt

Array = npt.NDArray[numpy.float64]

#: Updates within which old values fade to a third.
MEMORY = 12
#: The same for what follows a rise at once.
HASTE = 3
#: Of its limit, the deviation of an instance that nothing is known of.
UNKNOWN = 0.2


@dataclasses.dataclass(slots=True)
class Outlook:
    """Running level and variance of all instances, in the limits' unit."""

    limits: Array
    updates: int = 0
    _slow: Array = dataclasses.field(init=False)
    _fast: Array = dataclasses.field(init=False)
    variance: Array = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        self._slow = numpy.zeros(len(self.limits))
        self._fast = numpy.zeros(len(self.limits))
        self.variance = (UNKNOWN * self.limits) ** 2

    @property
    def level(self) -> Array:
        """Return what is expected: a rise at once, a fall slowly."""
        return numpy.maximum(self._slow, self._fast)

    def update(self, wanted: Array) -> None:
        """Take what each wants now; NaN leaves an instance as it was."""
        self.updates += 1
        known = numpy.where(numpy.isfinite(wanted), wanted, self._slow)
        off = known - self._slow
        part = max(1 / MEMORY, 1 / self.updates)
        self._slow = self._slow + part * off
        if self.updates > 1:
            kept = 1 - 1 / MEMORY
            self.variance = kept * (self.variance + off**2 / MEMORY)
        rise = known - self._fast
        self._fast = self._fast + rise * max(1 / HASTE, 1 / self.updates)
