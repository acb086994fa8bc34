# SPDX-License-Identifier: Apache-2.0
"""A browser's cookie, and what other sites cannot do with it."""

import flask
import pytest
import sqlalchemy as sa
from werkzeug import test

from kvm_insight.api import session
from tests.unit.api import conftest

PATH = '/v1/recommendations/r-1/approve'


class Browser:
    """Has the cookie of an operator."""

    def __init__(self, site: conftest.Site) -> None:
        self.site = site
        application = site.application

        @application.get('/word')
        def word() -> str:
            return session.word(flask.request)

        @application.get('/in')
        def enter() -> flask.Response:
            answer = flask.Response()
            session.remember(answer, 'operator', secure=False)
            return answer

        @application.get('/out')
        def leave() -> flask.Response:
            answer = flask.Response()
            session.forget(answer)
            return answer

        self.client = test.Client(session.Cookies(application.wsgi_app))

    def post(self, **headers: str) -> int:
        told = {name.replace('_', '-'): text for name, text in headers.items()}
        return self.client.post(PATH, headers=told).status_code


@pytest.fixture
def browser(database: sa.Engine) -> Browser:
    conftest.fill(database)
    return Browser(conftest.site(database))


def test_the_cookie_cannot_be_read_or_sent_by_others(
    browser: Browser,
) -> None:
    cookie = browser.client.get('/in').headers['Set-Cookie']
    assert 'HttpOnly' in cookie
    assert 'SameSite=Strict' in cookie
    assert browser.client.get('/v1/hosts').status_code == 200
    browser.client.get('/out')
    assert browser.client.get('/v1/hosts').status_code == 401


def test_what_changes_something_needs_the_word(browser: Browser) -> None:
    browser.client.get('/in')
    word = browser.client.get('/word').text
    assert len(word) == 64
    assert browser.post() == 403
    assert browser.post(X_CSRF_Token='0' * 64) == 403
    assert browser.post(X_CSRF_Token='é') == 403
    assert browser.site.said == []
    assert browser.post(X_CSRF_Token=word) == 202
    assert browser.post(X_CSRF_Token=word, Origin='http://localhost') == 202


def test_another_site_is_refused_even_with_the_word(browser: Browser) -> None:
    browser.client.get('/in')
    word = browser.client.get('/word').text
    for told in (
        {'Origin': 'http://example.org'},
        {'Origin': 'null'},
        {'Sec_Fetch_Site': 'cross-site'},
        {'Sec_Fetch_Site': 'same-site'},
    ):
        assert browser.post(X_CSRF_Token=word, **told) == 403, told
    assert browser.site.said == []


def test_a_program_needs_no_word(browser: Browser) -> None:
    assert browser.client.get('/word').text == ''
    assert browser.post(X_Auth_Token='operator') == 202
    # What it shows counts, not what a browser kept.
    browser.client.get('/in')
    assert browser.post(X_Auth_Token='alice') == 403


def test_an_origin_that_is_none_is_another_site(browser: Browser) -> None:
    site = browser.site
    headers = {'Origin': 'http://[', 'Accept': 'application/json'}
    for path in (PATH, '/login'):
        answer = site.ask('operator', path, 'POST', headers=headers)
        assert answer.status_code == 403, answer.text


@pytest.mark.parametrize(
    ('origin', 'is_secret'),
    [('https://localhost', True), ('http://localhost', False)],
)
def test_the_cookie_keeps_to_tls_that_a_proxy_speaks(
    browser: Browser, origin: str, is_secret: bool
) -> None:
    answer = browser.site.ask(
        None,
        '/login',
        'POST',
        headers={'Origin': origin},
        data={'token': 'x' * 32},
    )
    assert answer.status_code == 303
    assert ('Secure' in answer.headers['Set-Cookie']) is is_secret
