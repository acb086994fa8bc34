# SPDX-License-Identifier: Apache-2.0
"""Serving: pages under the addresses of people, beside ``/v1`` for programs.

Nothing that a page shows is kept by a browser, and nothing runs in it but
files of ours: there is no script and no style inside of a page.
"""

import base64
import functools
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib import parse

import flask
import sqlalchemy as sa
from werkzeug.wrappers import Response

from kvm_insight.api import password, problem, session
from kvm_insight.api.dashboard import (
    asset,
    form,
    login,
    page,
    pages,
    reading,
    rendering,
)

_POLICY = '; '.join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    'Content-Security-Policy': _POLICY,
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
    'Cache-Control': 'private, no-store',
}
_STYLE = re.compile('<style>(.*?)</style>', re.S)
_FOR_EVER = 'public, max-age=31536000, immutable'


def register(
    made: flask.Flask,
    way: reading.Way,
    database: sa.Engine,
    sign_in: password.SignIn | None,
) -> None:
    """Let the application show pages, too."""
    site = Site(way, database, sign_in)
    for address, make in pages.PAGES.items():
        view = functools.partial(site.show, make)
        if address != '/':
            _add(made, address, 'GET', view)
    told = made.view_functions['GET /']
    made.view_functions['GET /'] = functools.partial(site.root, told)
    for address, act in form.FORMS.items():
        _add(made, address, 'POST', functools.partial(site.act, act))
    _add(made, '/login', 'GET', site.login)
    _add(made, '/login', 'POST', site.log_in)
    _add(made, '/logout', 'POST', site.log_out)
    _add(made, '/static/<path:name>', 'GET', site.static)
    # Asked for by browsers where a page does not name one.
    icon = functools.partial(site.static, 'icon.svg')
    _add(made, '/favicon.ico', 'GET', icon)
    fail = made.error_handler_spec[None][None][Exception]
    made.register_error_handler(Exception, functools.partial(site.fail, fail))


def _add(
    made: flask.Flask, address: str, method: str, view: Callable[..., Any]
) -> None:
    made.add_url_rule(
        address,
        endpoint=f'page {method} {address}',
        view_func=view,
        methods=[method],
        provide_automatic_options=False,
    )


class Site:
    """All pages."""

    def __init__(
        self,
        way: reading.Way,
        database: sa.Engine,
        sign_in: password.SignIn | None,
    ) -> None:
        """Show what the way lets through."""
        self._way = way
        self._database = database
        self._sign_in = sign_in
        self._assets = asset.all_of_them()
        self._render = rendering.Renderer(self._assets)

    def root(self, told: Callable[..., Any]) -> Response:
        """Answer programs with the versions, people with the first page."""
        answer: Response = (
            self.show(pages.PAGES['/']) if _is_person() else told()
        )
        answer.headers.add('Vary', 'Accept')
        return answer

    def show(self, make: page.Make, **path: str) -> Response:
        """Answer with a page."""
        try:
            who = self._way.identified()
        except problem.Problem:
            return _to_login()
        arguments = flask.request.args.to_dict()
        with self._database.connect() as store:
            reader = reading.Reader(self._way, store, who, path, arguments)
            made = make(reader)
            return self._answer(made, reader)

    def act(self, act: form.Act, **path: str) -> Response:
        """Do what a form asks for; show its page again if that fails."""
        who = self._way.identified()
        request = flask.request
        session.check(request)
        with self._database.connect() as store:
            reader = reading.Reader(self._way, store, who, path, {})
            try:
                where = act.do(reader, request.form)
            except problem.Problem as why:
                made = act.make(reader)
                again = page.Page(
                    made.template,
                    {
                        **made.values,
                        'refused': why,
                        'told': page.Told(request.form),
                    },
                    why.status,
                )
                return self._answer(again, reader)
        return _see(where)

    def login(self) -> Response:
        """Ask for a token."""
        values = {
            'failed': 'failed' in flask.request.args,
            'next': login.safe(flask.request.args.get('next')),
            'has_keystone': self._sign_in is not None,
        }
        return self._answer(page.Page('login.html', values), None)

    def log_in(self) -> Response:
        """Let the browser show the token from now on."""
        request = flask.request
        session.check_site(request)
        where = login.safe(request.form.get('next'))
        token = login.token(request.form, self._sign_in)
        if token is None:
            words = {'failed': '1', 'next': where}
            return _see('/login?' + parse.urlencode(words))
        answer = _see(where)
        session.remember(answer, token, secure=session.is_secret(request))
        return answer

    def log_out(self) -> Response:
        """Let the browser forget it."""
        session.check(flask.request)
        answer = _see('/login')
        session.forget(answer)
        return answer

    def static(self, name: str) -> Response:
        """Answer with a script or a style."""
        found = self._assets.get(name)
        if found is None:
            raise problem.unknown()
        answer = flask.Response(found.data, mimetype=found.kind)
        answer.headers['Cache-Control'] = _FOR_EVER
        answer.headers['Cross-Origin-Resource-Policy'] = 'same-origin'
        return answer

    def fail(self, told: Callable[..., Any], why: Exception) -> Response:
        """Answer why not, in the words of who asked."""
        if flask.request.path.startswith('/v1') or not _is_person():
            answer: Response = told(why)
            return answer
        one = self._way.problem(why)
        if one.code == problem.UNAUTHENTICATED:
            return _to_login()
        return self._answer(
            page.Page('problem.html', {'why': one}, one.status), None
        )

    def _answer(
        self, made: page.Page, reader: reading.Reader | None
    ) -> Response:
        text = made.text
        if text is None:
            text = self._render.text(made, reader)
        answer = flask.Response(text, made.status, mimetype=made.media)
        answer.headers.extend(_HEADERS)
        if made.text is not None:
            answer.headers['Content-Security-Policy'] = _policy_of(text)
        if made.status == 200:
            answer.add_etag()
            answer.make_conditional(flask.request)
        return answer


def _policy_of(text: str) -> str:
    """Return a policy that lets a page have its own style, and no other."""
    style = _STYLE.search(text)
    if style is None:
        return _POLICY
    digest = hashlib.sha256(style[1].encode()).digest()
    word = f"'sha256-{base64.b64encode(digest).decode()}'"
    return _POLICY.replace("style-src 'self'", f'style-src {word}')


def _is_person() -> bool:
    accepted = flask.request.accept_mimetypes
    best = accepted.best_match(['application/json', 'text/html'])
    return best == 'text/html'


def _see(where: str) -> flask.Response:
    answer = flask.redirect(where, 303, flask.Response)
    assert isinstance(answer, flask.Response)
    answer.headers.extend(_HEADERS)
    return answer


def _to_login() -> flask.Response:
    request = flask.request
    words = {}
    if request.method == 'GET':
        words['next'] = request.full_path.rstrip('?')
    if session.COOKIE in request.cookies:
        words['failed'] = '1'
    answer = _see('/login?' + parse.urlencode(words))
    if session.COOKIE in request.cookies:
        session.forget(answer)
    return answer
