# SPDX-License-Identifier: Apache-2.0
"""A name and a password become a token of Keystone's, and a cookie."""

import http.server
import json
import logging
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest
from keystonemiddleware import auth_token
from oslo_config import cfg
from screen import browser, site
from selenium.webdriver.common import keys

from kvm_insight.api import password, problem
from tests import serving
from tests.functional.dashboard import scene

SECRET = 'pass word/%'
#: Where nobody listens.
AWAY = 'http://127.0.0.1:9/'


class Answers(http.server.BaseHTTPRequestHandler):
    """Keystone, as far as a login goes."""

    asked: list[Any]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        address = f'http://{self.headers["Host"]}/v3/'
        one = {
            'id': 'v3.14',
            'status': 'stable',
            'links': [{'rel': 'self', 'href': address}],
        }
        self._say(200, {'versions': {'values': [one]}, 'version': one})

    def do_POST(self) -> None:
        length = int(self.headers['Content-Length'])
        told = json.loads(self.rfile.read(length))['auth']
        self.asked.append(told)
        user = told['identity']['password']['user']
        if user['password'] != SECRET:
            self._say(401, {'error': {'code': 401, 'message': 'no'}})
            return
        token = {
            'expires_at': '2099-01-01T00:00:00Z',
            'issued_at': '2026-01-01T00:00:00Z',
            'methods': ['password'],
            'user': {'id': 'op', 'name': user['name'], 'domain': {'id': 'x'}},
        }
        self._say(201, {'token': token}, site.TOKENS['operator'])

    def _say(self, status: int, tree: Any, token: str = '') -> None:
        data = json.dumps(tree).encode()
        self.send_response(status)
        if token:
            self.send_header('X-Subject-Token', token)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def keystone() -> Iterator[tuple[str, list[Any]]]:
    asked: list[Any] = []
    handler = type('Handler', (Answers,), {'asked': asked})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    with serving.serving(server):
        yield f'http://127.0.0.1:{server.server_port}/', asked


def signer(address: str) -> password.SignIn:
    conf = cfg.ConfigOpts()
    # The middleware brings its options with it.
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group=group)
    conf([], project='kvm-insight', default_config_files=[])
    conf.set_override(
        'www_authenticate_uri', address, group='keystone_authtoken'
    )
    return password.signer(conf)


def test_a_name_and_a_password_log_in(
    chromium: browser.Driver,
    tmp_path: pathlib.Path,
    keystone: tuple[str, list[Any]],
    axe: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    address, asked = keystone
    with site.serving(
        tmp_path, scene.fill, scene.NOW_US, sign_in=signer(address)
    ) as served:
        found = browser.Browser(chromium, served.url)
        found.mode()
        found.forget()
        found.look('/health')
        found.press('olga', keys.Keys.TAB, 'wrong', keys.Keys.ENTER)
        found.wait("return document.querySelector('[role=alert]')")
        assert chromium.get_cookies() == []
        found.press('olga', keys.Keys.TAB, SECRET, keys.Keys.TAB, 'shop')
        found.press(keys.Keys.ENTER)
        found.wait("return location.pathname === '/health'")
    last = asked[-1]
    assert last['scope']['project']['name'] == 'shop'
    assert asked[0]['scope'] == {'system': {'all': True}}
    told = [
        one.getMessage()
        for one in caplog.records
        # It says which keys are pressed.
        if not one.name.startswith('selenium')
    ]
    said = repr([told, password.Credentials(user='olga', password=SECRET)])
    assert SECRET not in said
    assert site.TOKENS['operator'] not in said


def test_keystone_that_is_away_is_not_taken_for_a_wrong_password() -> None:
    one = password.Credentials(user='olga', password=SECRET, project='shop')
    with pytest.raises(problem.Problem) as why:
        signer(AWAY)(one)
    assert why.value.status == 503
    assert AWAY not in why.value.detail
