# SPDX-License-Identifier: Apache-2.0
"""Slot: the time between two samples that are far enough apart for libvirt
to have answered in between."""

import dataclasses

from kvm_insight.model import device, sample, table


@dataclasses.dataclass(frozen=True, slots=True)
class Slot:
    """What happened in it, and the host at its ends."""

    layout: table.Layout
    did: device.Devices
    interval_us: int
    older: sample.System
    new: sample.Sample

    @property
    def seconds(self) -> float:
        """Return how long it was."""
        return self.interval_us / 1e6
