# SPDX-License-Identifier: Apache-2.0
"""Answering: documents and problems as HTTP has them."""

from typing import Any

import flask
import msgspec

from kvm_insight.api import problem, version
from kvm_insight.api.resource import document, failure

JSON = 'application/json'
REQUEST_ID = 'X-Openstack-Request-Id'

_ENCODER = msgspec.json.Encoder()


def document_of(
    made: msgspec.Struct | document.Text | None,
    status: int,
    fields: str | None = None,
) -> flask.Response:
    """Return the answer; of each one in a list just these fields."""
    if made is None:
        return flask.Response(status=status)
    if isinstance(made, document.Text):
        return _text(made, status)
    tree: Any = made
    if fields is not None:
        tree = _chosen(made, fields.split(','))
    answer = flask.Response(_ENCODER.encode(tree), status, mimetype=JSON)
    if status == 200:
        answer.add_etag()
        answer.headers['Cache-Control'] = 'private, no-cache'
        answer.make_conditional(flask.request)
    return answer


def _text(made: document.Text, status: int) -> flask.Response:
    """Return what is no JSON; a page of it can load and do nothing."""
    answer = flask.Response(made.content, status, mimetype=made.kind)
    answer.headers['Cache-Control'] = 'private, no-cache'
    answer.headers['Content-Security-Policy'] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    )
    return answer


def _chosen(made: msgspec.Struct, names: list[str]) -> dict[str, Any]:
    tree: dict[str, Any] = msgspec.to_builtins(made)
    for key, value in tree.items():
        if key == 'links':
            continue
        kind = _listed(type(made), key)
        unknown = set(names) - set(kind.__struct_fields__)
        if unknown:
            raise problem.bad_query(f'fields: there is no {min(unknown)!r}.')
        tree[key] = [
            {name: one[name] for name in names if name in one} for one in value
        ]
    return tree


def _listed(kind: type[msgspec.Struct], name: str) -> Any:
    """Return of what a field is a list."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    (field,) = (one for one in info.fields if one.name == name)
    assert isinstance(field.type, msgspec.inspect.ListType)
    assert isinstance(field.type.item_type, msgspec.inspect.StructType)
    return field.type.item_type.cls


def problem_of(why: problem.Problem, request_id: str) -> flask.Response:
    """Return the answer that says why not."""
    made = failure.Failures(
        errors=[
            failure.Failure(
                status=why.status,
                code=why.code,
                title=why.title,
                detail=why.detail,
                request_id=request_id,
            )
        ]
    )
    answer = flask.Response(_ENCODER.encode(made), why.status, mimetype=JSON)
    answer.headers.extend(why.headers)
    answer.headers['Cache-Control'] = 'no-store'
    return answer


def stamp(
    answer: flask.Response, request_id: str, spoken: version.Version
) -> flask.Response:
    """Return it with the headers that all answers have."""
    headers = answer.headers
    headers[REQUEST_ID] = request_id
    headers['X-Content-Type-Options'] = 'nosniff'
    # The server's own affair.
    headers.pop('Date', None)
    if answer.mimetype == JSON:
        headers[version.HEADER] = f'{version.SERVICE} {spoken}'
        headers.add('Vary', f'{version.HEADER}, X-Auth-Token, Cookie')
    return answer
