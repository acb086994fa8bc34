# SPDX-License-Identifier: Apache-2.0
"""numba where it is installed; else the same functions as plain Python.

The results are the same to the last bit: the scheduler counts in integers.
Nothing is cached on disk, since numba would look at the date of one file only
and take no notice of a change in another one.
"""

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba
except ImportError:  # an extra
    numba = None  # type: ignore[assignment]

_Function = TypeVar('_Function', bound=Callable[..., Any])

#: Without counting of references to arrays the scheduler is eight times as
#: fast. It holds because nothing in it allocates.
_ENTRY: dict[str, Any] = {'_nrt': False}
#: What only compiled functions call needs no ways in from Python, which take
#: half of the time to compile.
_INNER = {**_ENTRY, 'no_cpython_wrapper': True, 'no_cfunc_wrapper': True}


def compiled(function: _Function) -> _Function:
    """Return a function for other compiled functions to call."""
    if numba is None:
        return function
    result: _Function = numba.njit(**_INNER)(function)
    return result


def entry(function: _Function) -> _Function:
    """Return a function for anyone to call; the first call compiles all."""
    if numba is None:
        return function
    result: _Function = numba.njit(**_ENTRY)(function)
    return result
