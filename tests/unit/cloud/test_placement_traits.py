# SPDX-License-Identifier: Apache-2.0
"""A Placement that is slow, away or talks nonsense, over real HTTP."""

import http.server
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from keystoneauth1 import adapter, session, token_endpoint

from kvm_insight import exception
from kvm_insight.cloud import placement_traits
from tests import serving

TOKEN = 'not-for-any-message'
TRAIT = placement_traits.TRAIT


class Service(http.server.ThreadingHTTPServer):
    """Answers each path with what it is given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.wait_s = 0.0

    def traits(self) -> placement_traits.PlacementTraits:
        url = f'http://127.0.0.1:{self.server_port}'
        auth = token_endpoint.Token(url, TOKEN)
        way = adapter.Adapter(
            session.Session(auth=auth, timeout=0.5),
            service_type='placement',
            connect_retries=0,
        )
        return placement_traits.PlacementTraits(way)


class Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        time.sleep(self.server.wait_s)
        path = self.path.partition('?')[0]
        code, body = self.server.answers.get(path, (200, b'{}'))
        self.send_response(code)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def service() -> Iterator[Service]:
    with serving.serving(Service()) as made:
        yield made


def test_a_slow_one_is_given_up(service: Service) -> None:
    service.wait_s = 3.0
    begin = time.monotonic()
    with pytest.raises(exception.CloudUnavailable, match='Timeout') as caught:
        service.traits().holders()
    assert time.monotonic() - begin < 2.5
    assert TOKEN not in str(caught.value)


def test_one_that_is_away_is_told(service: Service) -> None:
    traits = service.traits()
    service.shutdown()
    service.server_close()
    with pytest.raises(exception.CloudUnavailable) as caught:
        traits.holders()
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    'body',
    [
        b'',
        b'<html>',
        b'[]',
        b'3',
        b'{"resource_providers": 3}',
        b'{"resource_providers": [3]}',
        b'{"resource_providers": [{"name": "x"}]}',
        b'\xff\xfe',
    ],
)
def test_nonsense_is_told_and_nothing_else_raised(
    service: Service, body: bytes
) -> None:
    service.answers['/resource_providers'] = (200, body)
    with pytest.raises(exception.CloudUnavailable):
        service.traits().holders()


@pytest.mark.parametrize(
    'told',
    [
        {'traits': 'x', 'resource_provider_generation': 1},
        {'traits': [], 'resource_provider_generation': None},
        {'traits': []},
        [],
    ],
)
def test_traits_that_are_none_change_nothing(
    service: Service, told: Any
) -> None:
    path = '/resource_providers/one/traits'
    service.answers[path] = (200, json.dumps(told).encode())
    with pytest.raises(exception.CloudUnavailable):
        service.traits().give('one', lambda: True)


@pytest.mark.parametrize(
    ('code', 'kind'),
    [
        (401, exception.CloudRefused),
        (403, exception.CloudRefused),
        (429, exception.CloudUnavailable),
        (500, exception.CloudUnavailable),
        (503, exception.CloudUnavailable),
    ],
)
def test_a_refusal_says_who_and_what(
    service: Service, code: int, kind: type[Exception]
) -> None:
    told = json.dumps({'errors': [{'detail': TOKEN}]}).encode()
    service.answers['/resource_providers'] = (code, told)
    with pytest.raises(kind, match=f'Placement.*{code}') as caught:
        service.traits().holders()
    assert TOKEN not in str(caught.value)


def test_who_may_not_see_the_trait_is_told_so_and_names_the_file(
    service: Service,
) -> None:
    service.answers[f'/traits/{TRAIT}'] = (403, b'{}')
    # As Placement answers for a trait that it does not know.
    service.answers['/resource_providers'] = (400, b'{}')
    with pytest.raises(exception.CloudRefused, match='placement-marks'):
        service.traits().holders()


def test_nobody_has_a_trait_that_is_not_known(service: Service) -> None:
    service.answers[f'/traits/{TRAIT}'] = (404, b'{}')
    assert service.traits().holders() == {}
