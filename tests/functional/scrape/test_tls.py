# SPDX-License-Identifier: Apache-2.0
"""Over TLS: a real Prometheus with a certificate, and nobody without."""

import contextlib
import pathlib
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from kvm_insight import exception
from kvm_insight.scrape import page, server
from tests.functional.actuator import conftest as actuator
from tests.functional.scrape import conftest


@pytest.fixture
def pki(tmp_path: pathlib.Path) -> pathlib.Path:
    actuator.certificates(tmp_path)
    return tmp_path


@pytest.fixture
def port(pki: pathlib.Path) -> Iterator[int]:
    """A page for those whom our authority has signed."""
    files = [str(pki / f'{name}.pem') for name in ('clientcert', 'clientkey')]
    tls = server.tls_of(files[0], files[1], str(pki / 'cacert.pem'))
    made = page.Page(page.registry_of('test', '1', list))
    with server.serving('127.0.0.1', conftest.free_port(), made, tls) as one:
        yield one


def get(port: int, context: ssl.SSLContext) -> str:
    with urllib.request.urlopen(
        f'https://127.0.0.1:{port}/metrics', timeout=20, context=context
    ) as answer:
        return str(answer.read().decode())


def trusting(pki: pathlib.Path) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(pki / 'cacert.pem'))
    # It is signed for other addresses of this machine.
    made.check_hostname = False
    return made


def test_prometheus_scrapes_with_its_certificate(
    pki: pathlib.Path,
    port: int,
    serve: Callable[..., conftest.Server],
) -> None:
    given = {
        'scheme': 'https',
        'tls_config': {
            'ca_file': str(pki / 'cacert.pem'),
            'cert_file': str(pki / 'clientcert.pem'),
            'key_file': str(pki / 'clientkey.pem'),
            'server_name': actuator.HOSTS[0],
        },
    }
    scraper = serve({'tls': [port]}, **given)
    scraper.wait_for('kvm_insight_build_info{service="test"}')


def test_nobody_else_reads_it_and_who_hangs_holds_nobody_up(
    pki: pathlib.Path, port: int
) -> None:
    mine = trusting(pki)
    mine.load_cert_chain(pki / 'clientcert.pem', pki / 'clientkey.pem')
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            # Connected, and no hand is ever shaken.
            stack.enter_context(
                socket.create_connection(('127.0.0.1', port), 5)
            )
        before = time.monotonic()
        assert 'kvm_insight_build_info' in get(port, mine)
        assert time.monotonic() - before < 3
    with pytest.raises((urllib.error.URLError, OSError)):
        get(port, trusting(pki))
    with pytest.raises((urllib.error.URLError, OSError)):
        urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=20)
    assert 'kvm_insight_build_info' in get(port, mine)


def test_files_that_cannot_be_used_are_named(pki: pathlib.Path) -> None:
    cert, key = str(pki / 'clientcert.pem'), str(pki / 'clientkey.pem')
    broken = pki / 'broken.pem'
    broken.write_text('no key')
    for files, words in (
        ((cert, str(broken), None), 'tls_key_file = .*broken.pem'),
        ((str(pki / 'gone'), key, None), 'tls_cert_file = .*gone'),
        ((cert, key, str(broken)), 'tls_client_ca_file = .*broken.pem'),
        ((cert, str(pki / 'cakey.pem'), None), 'tls_key_file'),
    ):
        with pytest.raises(exception.ConfigError, match=words):
            server.tls_of(*files)
