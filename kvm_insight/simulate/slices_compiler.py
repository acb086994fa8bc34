# SPDX-License-Identifier: Apache-2.0
"""numba where it is installed; else the same functions as plain Python."""

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba
except ImportError:  # an extra
    numba = None  # type: ignore[assignment]

_Function = TypeVar('_Function', bound=Callable[..., Any])

#: Whether the scheduler runs compiled; plain, it is some 100 times slower.
COMPILES = numba is not None


def compiled(function: _Function) -> _Function:
    """Return the function compiled at its first call, if that can be done.

    The result is the same to the last bit: the scheduler counts in integers.
    """
    if numba is None:
        return function
    result: _Function = numba.njit(function)
    return result
