# SPDX-License-Identifier: Apache-2.0
"""Receiving: a request's query and body, as the types of a route have them."""

from typing import Any

import flask
import msgspec

from kvm_insight.api import problem, route
from kvm_insight.api.resource import document


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
        raise problem.bad_query(f'{why}.') from None


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
