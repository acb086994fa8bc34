# SPDX-License-Identifier: Apache-2.0
"""Who is slow, or sends too much, is answered or cut; the others never
notice."""

import contextlib
import pathlib
import selectors
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.functional.api import conftest

pytestmark = pytest.mark.functional

MANY = 100
HEADERS = b'POST /v1/mutes HTTP/1.1\r\nHost: localhost\r\n'
REST = (
    b'Host: localhost\r\nX-Auth-Token: operator\r\n'
    b'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n'
)


class Slow:
    """Clients that send one byte now and then, for ever."""

    def __init__(self, port: int, begin: bytes, byte: bytes) -> None:
        self._byte = byte
        self._open: set[socket.socket] = set()
        self.statuses: list[bytes] = []
        self._selector = selectors.DefaultSelector()
        self._stop = threading.Event()
        for _ in range(MANY):
            one = socket.create_connection(('127.0.0.1', port))
            one.sendall(begin)
            self._open.add(one)
            self._selector.register(one, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Say how many are neither answered nor cut."""
        return len(self._open)

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            for key, _ in self._selector.select(0):
                one = key.fileobj
                assert isinstance(one, socket.socket)
                self._hear(one)
            for one in list(self._open):
                try:
                    one.sendall(self._byte)
                except OSError:
                    self._hear(one)

    def _hear(self, one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            text = one.recv(4096)
            if text:
                self.statuses.append(text.split(b' ', 2)[1])
        if one in self._open:
            self._open.remove(one)
            self._selector.unregister(one)
            one.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        for one in list(self._open):
            one.close()
        self._selector.close()


@pytest.fixture
def crowd(served: conftest.Served) -> Iterator[list[Slow]]:
    """Clients that are slow with their headers, and with their bodies."""
    made = [
        Slow(served.port, HEADERS + b'X-Slow: ', b'a'),
        Slow(served.port, b'POST /v1/mutes HTTP/1.1\r\n' + REST, b'{'),
    ]
    yield made
    for one in made:
        one.close()


def test_two_hundred_slow_clients_keep_nobody_from_an_answer(
    served: conftest.Served, crowd: list[Slow]
) -> None:
    begin = time.monotonic()
    asked = 0
    while any(one.waiting for one in crowd):
        before = time.monotonic()
        status, _ = served.ask('operator', '/v1/hosts')
        assert status == 200
        assert time.monotonic() - before < 1.5
        asked += 1
        assert time.monotonic() - begin < 10 * conftest.PATIENCE_S
    assert asked > 5
    # Whoever said all that is needed for an answer gets one.
    assert set(crowd[1].statuses) == {b'408'}
    assert len(crowd[1].statuses) == MANY


def descriptors() -> int:
    """Say how many files this process has open, server and clients."""
    return len(list(pathlib.Path('/proc/self/fd').iterdir()))


def test_those_who_do_not_read_hold_no_thread_and_are_cut(
    served: conftest.Served,
) -> None:
    request = (
        b'GET /v1/instances HTTP/1.1\r\nHost: localhost\r\n'
        b'X-Auth-Token: operator\r\n\r\n'
    )
    before_all = descriptors()
    deaf = []
    for _ in range(30):
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        one.connect(('127.0.0.1', served.port))
        one.sendall(request * 800)
        deaf.append(one)
    try:
        for _ in range(5):
            before = time.monotonic()
            assert served.ask('operator', '/v1/hosts')[0] == 200
            assert time.monotonic() - before < 5
        until = time.monotonic() + 10 * conftest.PATIENCE_S
        while descriptors() > before_all + len(deaf):
            assert time.monotonic() < until, 'they are not cut'
            time.sleep(0.1)
    finally:
        for one in deaf:
            one.close()


def test_one_who_leaves_in_the_middle_has_said_nothing(
    served: conftest.Served,
) -> None:
    said = len(served.site.said)
    begin = b'POST /v1/recommendations/r-1/approve HTTP/1.1\r\n'
    with socket.create_connection(('127.0.0.1', served.port)) as one:
        one.sendall(begin + REST)
    time.sleep(0.5)
    assert len(served.site.said) == said


@pytest.mark.parametrize(
    'head',
    [
        b'Content-Length: 99999999999\r\n\r\n',
        b'Transfer-Encoding: chunked\r\n\r\n',
    ],
)
def test_a_body_that_is_too_large_is_refused_before_its_end(
    served: conftest.Served, head: bytes
) -> None:
    with socket.create_connection(('127.0.0.1', served.port)) as one:
        one.settimeout(10)
        one.sendall(HEADERS + b'X-Auth-Token: operator\r\n' + head)
        if b'chunked' in head:
            one.sendall(b'20000\r\n' + b'a' * 0x20000 + b'\r\n')
        assert one.recv(4096).startswith(b'HTTP/1.1 413 ')


def test_headers_that_are_too_large_are_refused(
    served: conftest.Served,
) -> None:
    with socket.create_connection(('127.0.0.1', served.port)) as one:
        one.settimeout(10)
        with contextlib.suppress(OSError):
            one.sendall(HEADERS + b'X-Large: ' + b'a' * 100_000)
            assert one.recv(4096).split(b' ')[1] in (b'400', b'431')


@pytest.mark.parametrize(
    'garbage',
    [
        b'\x00\x01\x02\r\n\r\n',
        b'GET\r\n\r\n',
        b'GET / HTTP/9.9\r\n\r\n',
        b'GET http://[ HTTP/1.1\r\nHost: [\r\n\r\n',
        b'GET /%ff%fe%00 HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET /?%ff=%00 HTTP/1.1\r\nHost: a\r\n\r\n',
        b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n',
        b'POST /v1/mutes HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n'
        b'Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        b'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n'
        b'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
        b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    ],
)
def test_what_is_not_for_us_breaks_nothing(
    served: conftest.Served, garbage: bytes
) -> None:
    with socket.create_connection(('127.0.0.1', served.port)) as one:
        one.settimeout(10)
        one.sendall(garbage)
        with contextlib.suppress(ConnectionResetError):
            assert not one.recv(4096).startswith(b'HTTP/1.1 5')
    assert served.ask('operator', '/v1/hosts')[0] == 200
