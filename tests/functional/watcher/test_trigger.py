# SPDX-License-Identifier: Apache-2.0
"""A new recommendation lets a real Watcher run its audit, once."""

import http.server
import json
import pathlib
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.cloud import audits, settings
from kvm_insight.feed import port, recommendation_file
from tests import golden, serving

API = pathlib.Path(__file__).with_name('api.py')
Said = queue.Queue[dict[str, Any]]


class Keystone(http.server.BaseHTTPRequestHandler):
    """Gives anybody a token, and a catalog that has Watcher alone."""

    watcher = ''

    def do_GET(self) -> None:
        here = f'http://{self.headers["Host"]}/v3/'
        version = {
            'id': 'v3.14',
            'status': 'stable',
            'links': [{'rel': 'self', 'href': here}],
        }
        self.answer(200, {'version': version})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers['Content-Length']))
        endpoint = {
            'id': 'e',
            'interface': 'public',
            'region': 'RegionOne',
            'region_id': 'RegionOne',
            'url': self.watcher,
        }
        service = {
            'id': 's',
            'name': 'watcher',
            'type': 'infra-optim',
            'endpoints': [endpoint],
        }
        token = {
            'catalog': [service],
            'expires_at': '2999-01-01T00:00:00.000000Z',
            'issued_at': '2026-01-01T00:00:00.000000Z',
            'methods': ['password'],
            'roles': [{'id': 'r', 'name': 'admin'}],
            'project': {'id': 'p', 'name': 'service', 'domain': {'id': 'd'}},
            'user': {'id': 'u', 'name': 'us', 'domain': {'id': 'd'}},
        }
        self.answer(201, {'token': token})

    def answer(self, code: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.send_header('X-Subject-Token', 'a-token')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope='module')
def watcher(
    watcher_python: pathlib.Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Said]]:
    """Return where it is, and what it says."""
    folder = tmp_path_factory.mktemp('watcher')
    with (folder / 'log').open('w') as log:
        running = subprocess.Popen(
            [watcher_python, API, folder],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    said: Said = queue.Queue()
    assert running.stdout is not None
    lines = running.stdout

    def read() -> None:
        for line in lines:
            said.put(json.loads(line))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        number = said.get(timeout=120)['port']
        yield f'http://127.0.0.1:{number}', said
    finally:
        running.kill()
        running.wait()
        reading.join(10)
        lines.close()


@pytest.fixture
def asked(watcher: tuple[str, Said]) -> Iterator[settings.Settings]:
    handler = type('Ours', (Keystone,), {'watcher': watcher[0]})
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
    with serving.serving(server):
        yield settings.Settings(
            auth_type='v3password',
            auth={
                'auth_url': f'http://127.0.0.1:{server.server_port}/v3',
                'username': 'us',
                'password': 'secret',
                'project_name': 'service',
                'user_domain_name': 'Default',
                'project_domain_name': 'Default',
            },
            timeout_s=20.0,
        )


def next_of(said: Said, name: str) -> Any:
    """Return what it says next of this kind."""
    while True:
        one = said.get(timeout=30)
        if name in one:
            return one


def triggered(said: Said) -> list[str]:
    """Return what was triggered lately, and nothing is left."""
    found = []
    while not said.empty():
        one = said.get()
        found += [one['triggered']] if 'triggered' in one else []
    return found


def test_a_new_recommendation_triggers_the_audit_once(
    asked: settings.Settings,
    watcher: tuple[str, Said],
    tmp_path: pathlib.Path,
) -> None:
    _, said = watcher
    known = golden.recommended()
    feed = recommendation_file.RecommendationFile(
        {
            'recommendations_path': tmp_path / 'r.json',
            'watcher_audit': 'ours',
            'cloud': asked,
        },
        lambda name, key, value: None,
    )

    def tell(*names: str) -> None:
        now_us = time.time_ns() // 1000
        standing = [
            msgspec.structs.replace(
                known, id=x, state='proposed', expires_us=now_us + 10**9
            )
            for x in names
        ]
        feed.write(port.Told(1, now_us, standing=standing), lambda: True)

    tell()
    tell('a')
    one = next_of(said, 'triggered')
    assert one == {'triggered': 'ours'}
    how = next_of(said, 'asked')
    assert how['asked'] == '/v1/webhooks/ours'
    assert how['version'] == 'infra-optim 1.4'
    assert how['token'] == 'a-token'
    for names in (('a',), ('a',), (), ()):
        tell(*names)
        time.sleep(0.3)
    assert triggered(said) == []
    tell('b')
    assert next_of(said, 'triggered') == {'triggered': 'ours'}
    feed.close()


@pytest.mark.parametrize(
    ('audit', 'error', 'words'),
    [
        ('other', exception.CloudDeclined, 'Audit type ONESHOT'),
        ('none', exception.CloudGone, 'none'),
    ],
)
def test_an_audit_that_cannot_be_triggered_is_an_error_that_says_why(
    asked: settings.Settings,
    watcher: tuple[str, Said],
    audit: str,
    error: type[Exception],
    words: str,
) -> None:
    way = audits.Audits(asked)
    with pytest.raises(error, match=words):
        way.trigger(audit)
    way.close()
    assert triggered(watcher[1]) == []
