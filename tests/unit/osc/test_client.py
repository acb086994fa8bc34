# SPDX-License-Identifier: Apache-2.0
import http.server
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib import parse

import pytest
from keystoneauth1 import session, token_endpoint
from osc_lib import exceptions

from kvm_insight.osc import client
from tests import serving

#: Status, kind and body, of path and query.
Answer = tuple[int, str, bytes]
Respond = Callable[[str, dict[str, str]], Answer]


class Fake(http.server.ThreadingHTTPServer):
    """Answers as it is told to; keeps what was asked."""

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.respond: Respond = lambda path, query: (200, 'text/html', b'hi')
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[Any] = []


class Handler(http.server.BaseHTTPRequestHandler):
    server: Fake

    def do_GET(self) -> None:
        where = parse.urlsplit(self.path)
        query = dict(parse.parse_qsl(where.query))
        self.server.asked.append((where.path, query))
        self.server.headers.append(self.headers)
        status, kind, body = self.server.respond(where.path, query)
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def fake() -> Iterator[Fake]:
    with serving.serving(Fake()) as made:
        yield made


@pytest.fixture
def asking(fake: Fake) -> Iterator[client.Client]:
    endpoint = f'http://127.0.0.1:{fake.server_port}/insight'
    way = session.Session(auth=token_endpoint.Token(endpoint, 'secret'))
    yield client.Client(way, '1.0')
    way.session.close()


def paged(total: int) -> Respond:
    """Answer with parts of a list of numbers."""

    def respond(path: str, query: dict[str, str]) -> Answer:
        begin = int(query.get('marker', -1)) + 1
        end = min(total, begin + int(query['limit']))
        links = []
        if end < total:
            # Where a proxy would never find it.
            links = [{'rel': 'next', 'href': f'/x?marker={end - 1}&limit=1'}]
        found = {'numbers': [{'n': n} for n in range(begin, end)]}
        body = json.dumps({**found, 'links': links}).encode()
        return 200, 'application/json', body

    return respond


def listed(
    asking: client.Client, limit: int | None = None, marker: str | None = None
) -> list[int]:
    part = client.Part(limit, marker)
    rows = asking.listed('/v1/numbers', 'numbers', {'state': 'open'}, part)
    return [row['n'] for row in rows]


def test_a_list_is_read_to_its_end(fake: Fake, asking: client.Client) -> None:
    fake.respond = paged(2500)
    assert listed(asking) == list(range(2500))
    assert [query for _, query in fake.asked] == [
        {'state': 'open', 'limit': '1000'},
        {'state': 'open', 'limit': '1000', 'marker': '999'},
        {'state': 'open', 'limit': '1000', 'marker': '1999'},
    ]
    assert {path for path, _ in fake.asked} == {'/insight/v1/numbers'}


def test_no_more_is_asked_for_than_is_wanted(
    fake: Fake, asking: client.Client
) -> None:
    fake.respond = paged(5000)
    assert listed(asking, 1200, '9') == list(range(10, 1210))
    assert [query['limit'] for _, query in fake.asked] == ['1000', '200']


def test_an_endless_list_ends_and_says_so(
    fake: Fake, asking: client.Client, caplog: pytest.LogCaptureFixture
) -> None:
    fake.respond = paged(10**9)
    with caplog.at_level(logging.WARNING):
        assert len(listed(asking)) == client.MOST
    assert f'--marker {client.MOST - 1}' in caplog.text


def test_a_list_that_goes_in_a_circle_ends(
    fake: Fake, asking: client.Client
) -> None:
    body = json.dumps(
        {
            'numbers': [{'n': 1}],
            'links': [{'rel': 'next', 'href': '/v1/numbers?marker=m'}],
        }
    ).encode()
    fake.respond = lambda path, query: (200, 'application/json', body)
    assert listed(asking) == [1, 1]


def test_the_version_and_the_token_are_sent(
    fake: Fake, asking: client.Client
) -> None:
    fake.respond = lambda path, query: (200, 'application/json', b'{}')
    assert asking.get('/v1/health') == {}
    (headers,) = fake.headers
    assert headers['OpenStack-API-Version'] == 'insight 1.0'
    assert headers['X-Auth-Token'] == 'secret'


@pytest.mark.parametrize(
    ('answer', 'why'),
    [
        ((200, 'text/html', b'<html>'), 'is no kvm-insight-api'),
        ((200, 'application/json', b'[]'), 'is no kvm-insight-api'),
        ((502, 'text/html', b'<html>'), 'A proxy cannot reach'),
        ((500, 'application/json', b'{"errors": []}'), 'Server Error.*log'),
        ((404, 'application/json', b'null'), r'HTTP 404'),
        (
            (
                409,
                'application/json',
                b'{"errors": [{"detail": "It is over.", "code":'
                b' "insight.conflict", "request_id": "req-1"}]}',
            ),
            r'^It is over \(insight.conflict, req-1\) \(HTTP 409\)\. Look at',
        ),
    ],
)
def test_what_is_answered_badly_is_said_in_words(
    fake: Fake, asking: client.Client, answer: Answer, why: str
) -> None:
    fake.respond = lambda path, query: answer
    with pytest.raises(exceptions.CommandError, match=why):
        asking.get('/v1/hosts')


def test_another_service_that_answers_is_told_from_ours(
    fake: Fake, asking: client.Client
) -> None:
    fake.respond = lambda path, query: (200, 'application/json', b'{"v": []}')
    with pytest.raises(exceptions.CommandError, match='correct the endpoint'):
        listed(asking)


def test_who_answers_too_slowly_is_left(
    fake: Fake, asking: client.Client
) -> None:
    done = threading.Event()

    def respond(path: str, query: dict[str, str]) -> Answer:
        done.wait(30)
        return 200, 'application/json', b'{}'

    fake.respond = respond
    asking._session.timeout = 0.2
    with pytest.raises(exceptions.CommandError, match='does not answer'):
        asking.get('/v1/health')
    done.set()


def test_a_text_is_of_the_kind_that_was_asked_for_or_none(
    fake: Fake, asking: client.Client
) -> None:
    fake.respond = lambda path, query: (200, 'text/csv; charset=u', b'a,b')
    assert asking.text('/v1/r', {}, 'text/csv') == b'a,b'
    assert fake.headers[0]['Accept'] == 'text/csv'
    fake.respond = lambda path, query: (200, 'application/json', b'{}')
    with pytest.raises(exceptions.CommandError, match='correct the endpoint'):
        asking.text('/v1/r', {}, 'text/csv')


def test_an_address_keeps_the_slash_of_a_host_and_nothing_else() -> None:
    assert (
        client.address('hosts', 'r/h 1', 'ledger')
        == '/v1/hosts/r/h%201/ledger'
    )
    assert client.address('x', 'a?b#c') == '/v1/x/a%3Fb%23c'
