# SPDX-License-Identifier: Apache-2.0
"""Application: the whole API as one WSGI application of Flask.

Each request goes the same way: its version, who asks, whether the policy lets
them, what is asked; then the handler, and its answer.
"""

import dataclasses
import functools
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import flask
import sqlalchemy as sa
from oslo_policy import policy as oslo_policy
from sqlalchemy import exc
from werkzeug import exceptions

from kvm_insight import exception
from kvm_insight.api import (
    answering,
    asking,
    counting,
    identity,
    listening,
    password,
    policy,
    problem,
    receiving,
    route,
    routes,
    session,
    version,
)
from kvm_insight.api.dashboard import serving
from kvm_insight.api.handler import root
from kvm_insight.store import scope, secret, trouble

LOG = logging.getLogger(__name__)

_KEY = 'opaque_id'
#: Longer ones have no use; JSON of the largest body is some 2 KiB.
MAX_BODY = 64 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of."""

    database: sa.Engine
    authentication: identity.Authentication
    enforcer: oslo_policy.Enforcer
    say: asking.Say
    settings: asking.Settings
    #: Names by which this machine may ask; None is any name and machine.
    names: frozenset[str] | None = None
    #: Gives tokens to those who log in at a page; None where there is no
    #: Keystone.
    sign_in: password.SignIn | None = None
    clock_us: Callable[[], int] = lambda: time.time_ns() // 1000
    #: For who shows them elsewhere, too.
    counts: counting.Counting | None = None


def create(parts: Parts) -> flask.Flask:
    """Return the application."""
    made = flask.Flask('kvm_insight', static_folder=None)
    made.config['MAX_CONTENT_LENGTH'] = MAX_BODY
    made.url_map.merge_slashes = False
    made.url_map.strict_slashes = True
    way = Way(parts)
    for address, methods in routes.ROUTES.items():
        for method, one in methods.items():
            made.add_url_rule(
                rule(address),
                endpoint=f'{method} {address}',
                view_func=functools.partial(way.answer, one),
                methods=[method],
                provide_automatic_options=False,
            )
    for address, told in (('/', root.versions), ('/v1/', root.one)):
        made.add_url_rule(
            address, f'GET {address}', functools.partial(way.tell, told)
        )
    made.add_url_rule('/v1/metrics', 'GET /v1/metrics', way.metrics)
    made.before_request(way.begin)
    made.after_request(way.end)
    made.register_error_handler(Exception, way.fail)
    serving.register(made, way, parts.database, parts.sign_in)
    return made


def rule(address: str) -> str:
    """Return an address of the table as Flask writes it."""
    words = []
    for word in address.split('/'):
        if word.endswith('+}'):
            words.append(f'<path:{word[1:-2]}>')
        elif word.startswith('{'):
            words.append(f'<{word[1:-1]}>')
        else:
            words.append(word)
    return '/'.join(words)


class Way:
    """The way of a request through the application."""

    def __init__(self, parts: Parts) -> None:
        """Answer with these."""
        self._parts = parts
        self._counting = parts.counts or counting.Counting(
            parts.database,
            parts.settings.silent_s * 1_000_000,
            parts.clock_us,
        )
        self._key = functools.cache(lambda: secret.key(parts.database, _KEY))

    def begin(self) -> None:
        """Give the request an id, and its version."""
        flask.g.began_s = time.monotonic()
        flask.g.request_id = f'req-{uuid.uuid4()}'
        flask.g.version = version.LEAST
        if self._parts.names is not None:
            listening.check_peer(flask.request.remote_addr)
            host = flask.request.headers.get('Host', '')
            listening.check_host(host, self._parts.names)
        flask.g.version = version.asked(dict(flask.request.headers))

    def end(self, answer: flask.Response) -> flask.Response:
        """Put onto the answer what all answers have."""
        request = flask.request
        rule = request.url_rule
        self._counting.count(
            request.method,
            counting.OTHER if rule is None else rule.rule,
            answer.status_code,
            time.monotonic() - flask.g.began_s,
        )
        return answering.stamp(answer, flask.g.request_id, flask.g.version)

    def tell(self, told: Callable[[], Any]) -> flask.Response:
        """Answer what needs no token."""
        return answering.document_of(told(), 200)

    def answer(self, one: route.Route, **path: str) -> flask.Response:
        """Answer by a route."""
        who = self.identified()
        whose = self.scope_of(who, one.policy)
        request = flask.request
        session.check(request)
        query = receiving.query_of(request, one)
        body = receiving.body_of(request, one)
        with self._parts.database.connect() as store:
            made = self.handled(
                one,
                store,
                who=who,
                scope=whose,
                path=path,
                query=query,
                body=body,
                url=request.full_path.rstrip('?'),
                if_match=request.headers.get('If-Match'),
            )
        fields = getattr(query, 'fields', None)
        return answering.document_of(made, one.status, fields)

    def metrics(self) -> flask.Response:
        """Answer Prometheus."""
        self.scope_of(self.identified(), policy.METRICS)
        headers, body = self._counting.page.render(
            flask.request.headers.get('Accept', ''),
            flask.request.headers.get('Accept-Encoding', ''),
        )
        return flask.Response(body, headers=headers)

    def handled(
        self, one: route.Route, store: sa.Connection, **asked: Any
    ) -> Any:
        """Return what a route's handler makes of what is asked, by one who
        is known and may ask it."""
        ask = asking.Ask(
            store=store,
            version=flask.g.version,
            now_us=self.now_us(),
            settings=self._parts.settings,
            say=self._parts.say,
            key=self._key,
            **asked,
        )
        return one.handler(ask)

    def now_us(self) -> int:
        """Return what time it is."""
        return self._parts.clock_us()

    def identified(self) -> identity.Identity:
        """Return who asks; raise Problem if that is not proven."""
        authentication = self._parts.authentication
        who = authentication.identify(flask.request.environ)
        if who is None:
            raise problem.Problem(
                401,
                problem.UNAUTHENTICATED,
                'This needs a valid token.',
                {'WWW-Authenticate': authentication.challenge},
            )
        return who

    def scope_of(self, who: identity.Identity, rule: str) -> scope.Scope:
        """Return what is shown; raise Problem if the policy says no."""
        if not self._may(who, rule):
            raise problem.forbidden()
        if self._may(who, policy.ALL_PROJECTS):
            return scope.Everything()
        if not who.project_id:
            raise problem.forbidden()
        return scope.Project(who.project_id)

    def _may(self, who: identity.Identity, rule: str) -> bool:
        target = {'project_id': who.project_id or ''}
        enforcer = self._parts.enforcer
        return bool(enforcer.authorize(rule, target, who.credentials()))

    def fail(self, why: Exception) -> flask.Response:
        """Answer why not; of what nobody foresaw only that it was so."""
        return answering.problem_of(self.problem(why), flask.g.request_id)

    def problem(self, why: Exception) -> problem.Problem:
        """Return what is told of something that went wrong."""
        return _problem(why)


_CODES = {
    404: problem.UNKNOWN,
    405: problem.NO_METHOD,
    406: problem.NOT_ACCEPTABLE,
    413: problem.TOO_LARGE,
    415: problem.BAD_TYPE,
}


def _problem(why: Exception) -> problem.Problem:
    if isinstance(why, problem.Problem):
        return why
    if isinstance(why, exceptions.NotFound):
        return problem.unknown()
    if isinstance(why, exceptions.HTTPException):
        return _foreign(why)
    if isinstance(why, exception.BusError):
        LOG.warning('nothing goes onto the bus: %s', why)
        return problem.Problem(
            503, problem.UNAVAILABLE, 'The bus is away; try again later.'
        )
    if isinstance(why, exc.SQLAlchemyError):
        return _of_store(trouble.of(why))
    if isinstance(why, exception.StoreError):
        return _of_store(why)
    LOG.error('a request broke: %s', exception.unworded(why))
    return problem.Problem(500, problem.BROKEN, 'See the log of the service.')


def _of_store(why: exception.StoreError) -> problem.Problem:
    if isinstance(why, exception.StoreRefused):
        return problem.bad_query('No database takes such a value.')
    LOG.warning('%s', why)
    return problem.Problem(
        503, problem.UNAVAILABLE, 'The database is away; try again later.'
    )


def _foreign(why: exceptions.HTTPException) -> problem.Problem:
    """Return what Werkzeug found wrong in our words."""
    status = why.code or 500
    headers = {}
    if isinstance(why, exceptions.MethodNotAllowed) and why.valid_methods:
        headers['Allow'] = ', '.join(sorted(why.valid_methods))
    code = _CODES.get(status, problem.BAD_REQUEST)
    return problem.Problem(status, code, f'{problem.title(status)}.', headers)
