# SPDX-License-Identifier: Apache-2.0
"""Ident: findings by the ids that the asker knows them by."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from kvm_insight.api import asking, opaque
from kvm_insight.store import scope

#: Returns the ids of those in the scope that were opened at that very time.
IdsOpened = Callable[[sa.Connection, scope.Scope, int], list[str]]


def outer(ask: asking.Ask[Any, None], ident: str, opened_us: int) -> str:
    """Return the id by which the asker knows it."""
    if not isinstance(ask.scope, scope.Project):
        return ident
    return opaque.made(ask.key(), ask.scope.uuid, ident, opened_us)


def inner(
    ask: asking.Ask[Any, None], ident: str, ids_opened: IdsOpened
) -> str | None:
    """Return our own id of what the asker calls so; None if there is none."""
    if not isinstance(ask.scope, scope.Project):
        return ident
    opened_us = opaque.opened(ident)
    if opened_us is None:
        return None
    key, project = ask.key(), ask.scope.uuid
    for one in ids_opened(ask.store, ask.scope, opened_us):
        if opaque.is_it(ident, key, project, one, opened_us):
            return one
    return None
