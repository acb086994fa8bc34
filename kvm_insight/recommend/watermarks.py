# SPDX-License-Identifier: Apache-2.0
"""Watermarks: what marks go by; loads nothing, since every service reads the
options that fill it."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Watermarks:
    """What is hot, for how long, and how many may be marked."""

    high: float = 0.40
    low: float = 0.20
    sustain_s: int = 120
    calm_s: int = 600
    #: Part of an aggregate's hosts.
    radius: float = 0.20
