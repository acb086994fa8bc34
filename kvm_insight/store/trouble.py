# SPDX-License-Identifier: Apache-2.0
"""What a database's error means to whoever wanted something of it."""

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import exc

from kvm_insight import exception
from kvm_insight.store import engine

#: Serialization failure, deadlock, lock not available.
_BUSY_STATES = ('40001', '40P01', '55P03')
#: Lock wait timeout, deadlock, changed since it was read.
_BUSY_NUMBERS = (1205, 1213, 1020)
#: Of MariaDB, which calls these operational: no such character, no such
#: value.
_REFUSED_NUMBERS = (1366, 1292, 1300)
_OURS = (ValueError, TypeError, OverflowError)


class Busy(exception.StoreUnavailable):
    """Another one was in the way; the same will work in a moment."""


class Conflict(Busy):
    """A row that this one leads to is gone, or was made meanwhile."""


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raise a StoreError for whatever a database raises."""
    try:
        yield
    except exc.SQLAlchemyError as why:
        raise of(why) from None
    except _OURS as why:
        # A driver that cannot write a value down.
        raise exception.StoreRefused(f'{type(why).__name__}: {why}') from why


def of(why: exc.SQLAlchemyError) -> exception.StoreError:
    """Return the error without a statement, a value or a password."""
    words = f'database: {engine.words(why)}'
    if isinstance(why, exc.DBAPIError):
        return _kind(why)(words)
    if isinstance(why, exc.StatementError):
        return exception.StoreRefused(words)
    return exception.StoreUnavailable(words)


def _kind(why: exc.DBAPIError) -> type[exception.StoreError]:
    told_by: Any = why.orig
    state = getattr(told_by, 'sqlstate', None)
    number = next(iter(getattr(told_by, 'args', ())), None)
    if why.connection_invalidated:
        return exception.StoreUnavailable
    if isinstance(why, exc.IntegrityError):
        return Conflict
    if state in _BUSY_STATES or number in _BUSY_NUMBERS:
        return Busy
    if 'database is locked' in str(told_by):
        return Busy
    refused = exc.DataError | exc.NotSupportedError
    if isinstance(why, refused) or number in _REFUSED_NUMBERS:
        return exception.StoreRefused
    return exception.StoreUnavailable
