# SPDX-License-Identifier: Apache-2.0
"""Where large blocks of memory come from, for services that keep a lot.

A record takes a hundred KiB for a millisecond, and what is learned from it a
few KiB for hours. The C library soon serves both from one heap (once a large
block was freed, it takes the next from there, too), where what is kept comes
to lie in the holes of what is gone. Of an analyzer's memory four tenths were
such holes; with large blocks apart they go back to the system.
"""

import ctypes

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 64 * 1024


def keep_large_apart() -> bool:
    """Let large blocks have pages of their own, for good; say whether this
    C library can."""
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    return bool(mallopt and mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES))
