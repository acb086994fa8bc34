# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-api`` as a process of its own, on one machine."""

import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from kvm_insight.bus import driver, topic
from kvm_insight.model import codec, control
from kvm_insight.store import engine, schema, settings
from tests import filling, hearing

pytestmark = pytest.mark.functional

COMMAND = pathlib.Path(sys.executable).with_name('kvm-insight-api')


class Place:
    """A folder with all that the service needs."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        with (
            socket.create_server(('127.0.0.1', 0)) as free,
            socket.create_server(('127.0.0.1', 0)) as other,
        ):
            self.port = free.getsockname()[1]
            self.scraped_port = other.getsockname()[1]
        self.url = f'sqlite:///{folder}/store.db'
        self.token = folder / 'token'

    def configure(self, **api: str) -> pathlib.Path:
        more = '\n'.join(f'{name} = {value}' for name, value in api.items())
        path = self.folder / 'kvm-insight.conf'
        path.write_text(
            f'[bus]\npath = {self.folder}/bus.db\n'
            f'[database]\nconnection = {self.url}\n'
            f'[metrics]\nlisten = 127.0.0.1\napi_port = {self.scraped_port}\n'
            f'[api]\nport = {self.port}\ntoken_file = {self.token}\n{more}\n'
        )
        return path

    def fill(self) -> None:
        made = engine.connect(settings.Settings(connection=self.url))
        schema.upgrade(made)
        with made.begin() as store:
            filling.Filling(store).host('r/h1')
        made.dispose()

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, str]:
        way = http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)
        told = {'X-Auth-Token': self.token.read_text().strip(), **headers}
        data = None
        if body is not None:
            data = json.dumps(body)
            told['Content-Type'] = 'application/json'
        try:
            way.request(method, path, data, told)
            answer = way.getresponse()
            return answer.status, answer.read().decode()
        finally:
            way.close()

    def wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.ask('GET', '/')
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.1)
            else:
                return


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def running(place: Place) -> Iterator[subprocess.Popen[str]]:
    place.fill()
    words = [str(COMMAND), '--config-file', str(place.configure())]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as child:
        try:
            place.wait()
            yield child
        finally:
            child.kill()


def test_it_answers_those_with_the_token_and_ends_when_told(
    place: Place, running: subprocess.Popen[str]
) -> None:
    status, text = place.ask('GET', '/v1/hosts/r/h1')
    assert (status, json.loads(text)['name']) == (200, 'r/h1')
    wrong = {'X-Auth-Token': 'x' * 43}
    assert place.ask('GET', '/v1/hosts', **wrong)[0] == 401
    assert place.ask('GET', '/v1/hosts', Host='example.org')[0] == 400
    body = {'about': 'host', 'subject': 'r/h1'}
    assert place.ask('POST', '/v1/mutes', body)[0] == 202
    bus = driver.open_bus('embedded', {'path': str(place.folder / 'bus.db')})
    try:
        (said,) = hearing.values(bus, topic.PREFIX + topic.CONTROL)
    finally:
        bus.close()
    order = codec.decode(said, control.Order)
    assert (order.kind, order.subject, order.by) == ('mute', 'r/h1', 'local')
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    assert running.stderr is not None
    said_on_the_way = running.stderr.read()
    assert place.token.read_text().strip() not in said_on_the_way
    assert 'Traceback' not in said_on_the_way


@pytest.mark.parametrize(
    ('fill', 'options', 'words'),
    [
        (False, {}, 'kvm-insight db upgrade'),
        (True, {'host': '0.0.0.0'}, '[api] host = 0.0.0.0'),
        (True, {'host': '192.0.2.1', 'auth': 'local'}, '[api] host'),
        (True, {'token_file': '/proc/none/token'}, '[api] token_file'),
        (True, {'auth': 'nobody'}, '[api] auth'),
    ],
)
def test_what_cannot_be_ends_it_with_one_line(
    place: Place, fill: bool, options: dict[str, str], words: str
) -> None:
    if fill:
        place.fill()
    done = subprocess.run(
        [COMMAND, '--config-file', str(place.configure(**options))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr


def test_any_wsgi_server_can_have_it(place: Place) -> None:
    place.fill()
    path = place.configure()
    code = (
        'from werkzeug import test\n'
        'from kvm_insight.api import wsgi\n'
        'client = test.Client(wsgi.application)\n'
        f'token = open({str(place.token)!r}).read().strip()\n'
        'for peer in ("127.0.0.1", "192.0.2.1"):\n'
        '    answer = client.get("/v1/hosts",\n'
        '        headers={"X-Auth-Token": token},\n'
        '        environ_overrides={"REMOTE_ADDR": peer})\n'
        '    print(answer.status_code)\n'
    )
    home = place.folder / '.kvm-insight'
    home.mkdir()
    path.rename(home / 'kvm-insight.conf')
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        env={**os.environ, 'HOME': str(place.folder)},
        timeout=60,
        check=False,
    )
    assert done.stdout.split() == ['200', '403'], done.stderr


def test_prometheus_needs_no_token_at_a_port_of_its_own(
    place: Place, running: subprocess.Popen[str]
) -> None:
    assert running.poll() is None
    assert place.ask('GET', '/v1/hosts')[0] == 200
    url = f'http://127.0.0.1:{place.scraped_port}/metrics'
    with urllib.request.urlopen(url, timeout=20) as answer:
        text = answer.read().decode()
    assert 'kvm_insight_store_up 1.0' in text
    assert 'address="/v1/hosts"' in text
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(url.replace('/metrics', '/v1/hosts'))
