# SPDX-License-Identifier: Apache-2.0
"""Reading: a page is made of answers of the API, and of nothing else.

Each is asked for by its address, under its policy and in the asker's scope:
what REST would not tell someone, no page can.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import sqlalchemy as sa

from kvm_insight.api import identity, problem, route, routes
from kvm_insight.store import scope


class Way(Protocol):
    """The way of requests through the application."""

    def identified(self) -> identity.Identity:
        """Return who asks; raise Problem if that is not proven."""

    def scope_of(self, who: identity.Identity, rule: str) -> scope.Scope:
        """Return what is shown; raise Problem if the policy says no."""

    def handled(
        self, one: route.Route, store: sa.Connection, **asked: Any
    ) -> Any:
        """Return what a route's handler makes of what is asked."""

    def now_us(self) -> int:
        """Return what time it is."""

    def problem(self, why: Exception) -> problem.Problem:
        """Return what is told of something that went wrong."""


class Reader:
    """Asks the API for one who looks at a page."""

    def __init__(
        self,
        way: Way,
        store: sa.Connection,
        who: identity.Identity,
        path: Mapping[str, str],
        arguments: Mapping[str, str],
    ) -> None:
        """Read in one transaction; ``arguments`` are those of the page."""
        self._way = way
        self._store = store
        self._scopes: dict[str, scope.Scope | None] = {}
        self.who = who
        self.path = path
        #: What stands behind the question mark; what is empty is left out.
        self.arguments = {
            name: value for name, value in arguments.items() if value
        }

    def get(self, address: str, **query: Any) -> Any:
        """Return what ``GET address`` answers; raise Problem if not."""
        return self.ask('GET', address, query=query)

    def ask(
        self,
        method: str,
        address: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, str] | None = None,
        if_match: str | None = None,
    ) -> Any:
        """Return what the API answers; raise Problem if it does not."""
        one = routes.ROUTES[address][method]
        whose = self._way.scope_of(self.who, one.policy)
        return self._way.handled(
            one,
            self._store,
            who=self.who,
            scope=whose,
            path=self.path if path is None else path,
            query=_query(one, query or {}),
            body=None if one.body is None else _body(one, body or {}),
            url=address,
            if_match=if_match,
        )

    def now_us(self) -> int:
        """Return what time it is."""
        return self._way.now_us()

    def may(self, address: str, method: str = 'GET') -> bool:
        """Say whether the policy lets this one ask."""
        return self._scope(address, method) is not None

    @property
    def is_operator(self) -> bool:
        """Say whether this one sees all projects."""
        return isinstance(
            self._scope('/v1/instances', 'GET'), scope.Everything
        )

    def _scope(self, address: str, method: str) -> scope.Scope | None:
        """Return what the policy says, which is asked once a page: each
        link wants to know."""
        rule = routes.ROUTES[address][method].policy
        if rule not in self._scopes:
            try:
                self._scopes[rule] = self._way.scope_of(self.who, rule)
            except problem.Problem:
                self._scopes[rule] = None
        return self._scopes[rule]


def _query(one: route.Route, values: Mapping[str, Any]) -> Any:
    told = {name: value for name, value in values.items() if value is not None}
    try:
        return msgspec.convert(told, one.query, strict=False)
    except msgspec.ValidationError as why:
        raise problem.bad_query(f'{why}.') from None


def _body(one: route.Route, values: Mapping[str, str]) -> Any:
    told = {name: value for name, value in values.items() if value != ''}
    try:
        return msgspec.convert(told, one.body, strict=False)
    except msgspec.ValidationError as why:
        raise problem.Problem(400, problem.BAD_BODY, f'{why}.') from None
