# SPDX-License-Identifier: Apache-2.0
"""Receiving: a request's query and body, as the types of a route have them."""

import re
import typing
from typing import Any

import flask
import msgspec

from kvm_insight.api import problem, route
from kvm_insight.api.resource import document

#: Where msgspec says that something is wrong.
_PLACE = re.compile(r' - at `\$\.(\w+)`$')


def query_of(request: flask.Request, one: route.Route) -> document.Query:
    """Return the query; raise Problem for what it may not have in it."""
    found: dict[str, str] = {}
    for name, values in request.args.lists():
        if len(values) > 1:
            raise problem.bad_query(f'{name[:64]!r}: only once.')
        found[name] = values[0]
    try:
        return msgspec.convert(found, one.query, strict=False)
    except msgspec.ValidationError as why:
        raise problem.bad_query(_told(str(why), one.query)) from None


def _told(why: str, query: type[document.Query]) -> str:
    """Return what is wrong; of a pattern, which few can read, what is meant
    and how it looks."""
    place = _PLACE.search(why)
    if 'matching regex' not in why or place is None:
        return f'{why}.'
    name = place[1]
    hint = typing.get_type_hints(query, include_extras=True)[name]
    # Behind ``| None`` it is one of the arguments.
    for part in (hint, *typing.get_args(hint)):
        for meta in getattr(part, '__metadata__', ()):
            if meta.description and meta.examples:
                example = meta.examples[0]
                return f'{name}: {meta.description}, for example {example}.'
    return f'{name}: {why}.'


def body_of(request: flask.Request, one: route.Route) -> Any:
    """Return the body; raise Problem for one that cannot be."""
    if one.body is None:
        return None
    data = request.get_data(cache=False)
    if not data and one.body_optional:
        return one.body()
    if request.mimetype != 'application/json':
        raise problem.Problem(
            415, problem.BAD_TYPE, 'Content-Type: must be application/json.'
        )
    try:
        return msgspec.json.decode(data, type=one.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as why:
        raise problem.Problem(400, problem.BAD_BODY, f'{why}.') from None
