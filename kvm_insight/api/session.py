# SPDX-License-Identifier: Apache-2.0
"""Session: a browser shows its token in a cookie instead of a header.

The cookie is the token itself, which no script can read and no other site can
send. What changes something has besides to show a word that only a page of
ours can know, and to come from a page of ours as far as the browser tells.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any
from urllib import parse

import flask
from werkzeug import http

from kvm_insight.api import problem

COOKIE = 'kvm_insight_token'
#: Where the word is: in a form, or in a header.
FIELD = 'csrf_token'
HEADER = 'X-CSRF-Token'

_SHOWN = 'HTTP_X_AUTH_TOKEN'
_BY_COOKIE = 'kvm_insight.by_cookie'
_SAFE = ('GET', 'HEAD', 'OPTIONS')

Wsgi = Callable[[Any, Any], Iterable[bytes]]


class Cookies:
    """Shows the cookie's token to whoever looks for the header's."""

    def __init__(self, inner: Wsgi) -> None:
        """Stand before an application, and before Keystone's middleware."""
        self._inner = inner

    def __call__(
        self, environ: MutableMapping[str, Any], start: Any
    ) -> Iterable[bytes]:
        """Answer one request."""
        environ.pop(_BY_COOKIE, None)
        if _SHOWN not in environ and 'HTTP_AUTHORIZATION' not in environ:
            found = http.parse_cookie(environ.get('HTTP_COOKIE')).get(COOKIE)
            if found and found.isascii() and found.isprintable():
                environ[_SHOWN] = found
                environ[_BY_COOKIE] = found
        return self._inner(environ, start)


def remember(answer: flask.Response, token: str, *, secure: bool) -> None:
    """Let the browser show this token from now on."""
    answer.set_cookie(
        COOKIE,
        token,
        httponly=True,
        secure=secure,
        samesite='Strict',
        path='/',
    )


def forget(answer: flask.Response) -> None:
    """Let the browser show it no more."""
    answer.delete_cookie(COOKIE, httponly=True, samesite='Strict', path='/')


def word(request: flask.Request) -> str:
    """Return what forms of this session have to have in ``FIELD``; nothing
    where there is no session."""
    token = request.environ.get(_BY_COOKIE)
    return _word(str(token)) if token else ''


def check(request: flask.Request) -> None:
    """Raise Problem for a change that another site asked for."""
    if request.method in _SAFE:
        return
    check_site(request)
    token = request.environ.get(_BY_COOKIE)
    if token is None:
        # A header's token is shown by programs, and by no other site.
        return
    told = request.headers.get(HEADER) or ''
    if not told and request.mimetype == 'application/x-www-form-urlencoded':
        told = request.form.get(FIELD, '')
    if not hmac.compare_digest(told.encode(), _word(str(token)).encode()):
        raise _cross_site()


def check_site(request: flask.Request) -> None:
    """Raise Problem if the browser says that it comes from elsewhere."""
    site = request.headers.get('Sec-Fetch-Site', 'same-origin')
    origin = request.headers.get('Origin')
    is_ours = origin is None or _site(origin) == request.host
    if site not in ('same-origin', 'none') or not is_ours:
        raise _cross_site()


def is_secret(request: flask.Request) -> bool:
    """Say whether the browser speaks TLS: to us, or to a proxy before us, of
    which only its ``Origin`` tells."""
    origin = request.headers.get('Origin', '')
    return request.is_secure or origin.startswith('https://')


def _site(origin: str) -> str | None:
    try:
        return parse.urlsplit(origin).netloc
    except ValueError:
        # No browser says such a thing.
        return None


def _word(token: str) -> str:
    return hmac.new(token.encode(), b'csrf', hashlib.sha256).hexdigest()


def _cross_site() -> problem.Problem:
    return problem.Problem(
        403, problem.CROSS_SITE, 'This was not asked from a page of ours.'
    )
