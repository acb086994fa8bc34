# SPDX-License-Identifier: Apache-2.0
"""The port: who is answered, who is cut off, and who never gets one."""

import contextlib
import gzip
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics import parser

from kvm_insight import exception
from kvm_insight.scrape import page, server

OPEN_METRICS = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'


@pytest.fixture
def port() -> Iterator[int]:
    made = page.Page(page.registry_of('test', '1.2', list))
    with server.serving('127.0.0.1', free_port(), made) as found:
        yield found


def free_port() -> int:
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return int(one.getsockname()[1])


def get(
    port: int, path: str = '/metrics', **headers: str
) -> tuple[str, bytes]:
    asked = urllib.request.Request(
        f'http://127.0.0.1:{port}{path}',
        headers={name.replace('_', '-'): v for name, v in headers.items()},
    )
    with urllib.request.urlopen(asked, timeout=20) as answer:
        return answer.headers['Content-Type'], answer.read()


def threads() -> int:
    return sum(
        'process_request_thread' in one.name for one in threading.enumerate()
    )


def test_text_is_served_and_open_metrics_to_who_takes_it(port: int) -> None:
    kind, body = get(port)
    assert kind.startswith('text/plain; version=0.0.4')
    assert b'kvm_insight_build_info{service="test",version="1.2"} 1' in body
    assert b'process_cpu_seconds_total' in body
    kind, body = get(port, Accept=OPEN_METRICS)
    assert kind.startswith('application/openmetrics-text')
    found = {
        one.name
        for one in parser.text_string_to_metric_families(  # type: ignore[no-untyped-call]
            body.decode()
        )
    }
    assert {'kvm_insight_build', 'process_cpu_seconds'} <= found


def test_who_takes_gzip_gets_it(port: int) -> None:
    _, body = get(port, Accept_Encoding='gzip')
    assert b'kvm_insight_build_info' in gzip.decompress(body)


def test_other_paths_and_methods_are_refused(port: int) -> None:
    assert b'/metrics' in get(port, '/')[1]
    for path, data, code in (
        ('/etc/passwd', None, 404),
        ('/metrics', b'x', 501),
    ):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(
                f'http://127.0.0.1:{port}{path}', data, timeout=20
            )
        assert caught.value.code == code
        assert 'Python' not in str(caught.value.headers)
        caught.value.close()


def test_who_hangs_costs_nobody_else_anything(port: int) -> None:
    """More than there is room for: silent, half a request, never reading."""
    with contextlib.ExitStack() as stack:
        for number in range(30):
            one = stack.enter_context(
                socket.create_connection(('127.0.0.1', port), 5)
            )
            if number % 3:
                one.sendall(b'GET /metrics HTTP/1.1\r\n')
            if number % 3 == 2:
                one.sendall(b'\r\n')
        before = time.monotonic()
        assert b'kvm_insight_build_info' in get(port)[1]
        assert time.monotonic() - before < 3
        until = time.monotonic() + 3
        while threads() > 8 and time.monotonic() < until:
            time.sleep(0.05)
        assert threads() <= 8


def test_who_is_silent_is_cut_off(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server._Handler, 'timeout', 0.3)
    with socket.create_connection(('127.0.0.1', port), 10) as one:
        one.sendall(b'GET /met')
        assert one.recv(100) == b''


def test_a_page_that_breaks_ends_no_server_and_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns: list[bytes | None] = [b'fine', None, None]

    class Breaks:
        def render(
            self, accept: str, encoding: str
        ) -> tuple[dict[str, str], bytes]:
            now = turns.pop()
            if now is None:
                raise ValueError('no')
            return {}, now

    with server.serving('127.0.0.1', free_port(), Breaks()) as port:
        for _ in range(2):
            with pytest.raises(urllib.error.HTTPError, match='500') as caught:
                get(port)
            caught.value.close()
        assert get(port)[1] == b'fine'
    assert len([one for one in caplog.records if one.exc_info]) == 1


def test_the_same_second_has_the_same_answer() -> None:
    registry = CollectorRegistry()
    counter = Counter('asked', 'How often', registry=registry)
    one = page.Page(registry)
    first = one.render()
    counter.inc()
    assert one.render() == first


def test_a_port_that_is_taken_is_named_with_the_remedy(port: int) -> None:
    made = page.Page(page.registry_of('test', '1', list))
    words = rf'\[metrics\] listen = 127.0.0.1, port {port}: .* another port'
    with (
        pytest.raises(exception.ListenError, match=words),
        server.serving('127.0.0.1', port, made),
    ):
        pass


def test_an_address_that_is_not_here_is_named_with_the_remedy() -> None:
    made = page.Page(page.registry_of('test', '1', list))
    with (
        pytest.raises(exception.ListenError, match='does not have that addr'),
        server.serving('192.0.2.1', free_port(), made),
    ):
        pass


def test_it_listens_on_ipv6_too() -> None:
    made = page.Page(page.registry_of('test', '1', list))
    with (
        server.serving('::1', free_port(), made) as port,
        socket.create_connection(('::1', port), 20) as one,
    ):
        one.sendall(b'GET / HTTP/1.0\r\n\r\n')
        assert one.recv(1000).startswith(b'HTTP/1.0 200')


def test_the_port_is_free_again_at_the_end() -> None:
    port = free_port()
    made = page.Page(page.registry_of('test', '1', list))
    for _ in range(2):
        with server.serving('127.0.0.1', port, made):
            get(port)
