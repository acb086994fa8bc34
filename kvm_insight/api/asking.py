# SPDX-License-Identifier: Apache-2.0
"""Asking: one request as handlers see it, and what they work with."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar
from urllib import parse

import msgspec
import sqlalchemy as sa

from kvm_insight import exception
from kvm_insight.api import identity, problem, version
from kvm_insight.api.resource import document
from kvm_insight.model import control
from kvm_insight.store import paging, scope

Query = TypeVar('Query', covariant=True)
Body = TypeVar('Body', covariant=True)
Kept = TypeVar('Kept')


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What handlers go by."""

    #: A host whose newest report is older is silent.
    silent_s: int = 180


#: Says an order on ``control`` under its key, or takes one back; raises
#: BusError.
Say = Callable[[str, control.Order | None], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Ask(Generic[Query, Body]):
    """One request, by someone who may ask it."""

    who: identity.Identity
    #: What queries may see.
    scope: scope.Scope
    path: Mapping[str, str]
    query: Query
    body: Body
    store: sa.Connection
    version: version.Version
    now_us: int
    settings: Settings
    say: Say
    #: Where it was asked: path and query as they were sent.
    url: str
    #: ``If-Match``, as it was sent.
    if_match: str | None = None
    #: The key by which ids are made opaque.
    key: Callable[[], bytes] = bytes

    @property
    def is_operator(self) -> bool:
        """Say whether all projects are shown."""
        return isinstance(self.scope, scope.Everything)

    @property
    def fresh_us(self) -> int:
        """Return since when a host must have reported to be there."""
        return max(0, self.now_us - self.settings.silent_s * 1_000_000)


def page(
    query: document.Paged, key: str, direction: str, after: str | None
) -> paging.Page:
    """Return which part of a list is wanted."""
    return paging.Page(query.limit, key, direction == 'desc', after)


def part(
    ask: Ask[document.Paged, None],
    read: Callable[[], list[Kept]],
    ident: Callable[[Kept], str],
) -> tuple[list[Kept], list[document.Link]]:
    """Return a part of a list, and where it goes on."""
    try:
        found = read()
    except exception.MarkerUnknown:
        raise bad_marker() from None
    limit = ask.query.limit
    if len(found) <= limit:
        return found, []
    return found[:limit], [_next(ask, ident(found[limit - 1]))]


def bad_marker() -> problem.Problem:
    """Return the answer to a marker that is not in the list."""
    return problem.Problem(
        400, problem.BAD_MARKER, 'marker: not in this list.'
    )


def _next(ask: Ask[document.Paged, None], marker: str) -> document.Link:
    """Return the address of the part after this one."""
    path, _, query = ask.url.partition('?')
    words = [
        (name, value)
        for name, value in parse.parse_qsl(query, keep_blank_values=True)
        if name != 'marker'
    ]
    text = parse.urlencode([*words, ('marker', marker)])
    return document.Link(rel='next', href=f'{path}?{text}')


def for_operators(ask: Ask[document.Query, None], *names: str) -> None:
    """Refuse parameters of which a project's member has no use."""
    asked = msgspec.structs.asdict(ask.query)
    if not ask.is_operator:
        for name in names:
            if asked[name] is not None:
                raise problem.bad_query(f'{name}: only for operators.')
