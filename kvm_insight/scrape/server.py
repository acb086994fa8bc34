# SPDX-License-Identifier: Apache-2.0
"""Server: answers scrapes from threads of its own, and a bounded number.

Who does not read its answer, or never asks, is cut off after some seconds; of
too many at once the oldest gives way. None of them touches the service.
"""

import contextlib
import errno
import http.server
import ipaddress
import logging
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from typing import Any, Protocol

from kvm_insight import exception

LOG = logging.getLogger(__name__)

_PATIENCE_S = 5.0
_MOST = 8


class Page(Protocol):
    """What is served under /metrics."""

    def render(
        self, accept: str, encoding: str
    ) -> tuple[dict[str, str], bytes]:
        """Return headers and body for what the scraper takes."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """One request; HTTP/1.0, so one a connection."""

    timeout = _PATIENCE_S
    server: '_Server'

    def do_GET(self) -> None:
        """Answer /metrics; say where it is on /."""
        path = self.path.partition('?')[0]
        if path == '/metrics':
            accept = self.headers.get('Accept', '')
            encoding = self.headers.get('Accept-Encoding', '')
            self._answer(*self.server.made(accept, encoding))
        elif path == '/':
            self._answer(200, {}, b'kvm_insight: see /metrics\n')
        else:
            self._answer(404, {}, b'there is only /metrics\n')

    def _answer(self, code: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(code)
        kind = {'Content-Type': 'text/plain; charset=utf-8'}
        length = {'Content-Length': str(len(body))}
        for name, value in (kind | headers | length).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Return no more than who we are."""
        return 'kvm_insight'

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: a scrape is no event."""


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Holds few connections, the newest ones."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: str,
        port: int,
        page: Page,
        tls: ssl.SSLContext | None,
    ) -> None:
        """Listen."""
        if ipaddress.ip_address(address).version == 6:
            self.address_family = socket.AF_INET6
        self._page = page
        self._tls = tls
        self._is_broken = False
        self._lock = threading.Lock()
        self._open: dict[Any, None] = {}
        super().__init__((address, port), _Handler)

    def made(
        self, accept: str, encoding: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Return the page; that it broke is said once, until it works."""
        try:
            answer = (200, *self._page.render(accept, encoding))
        except Exception:
            if not self._is_broken:
                LOG.exception('a page could not be made')
            self._is_broken = True
            return 500, {}, b'see the log\n'
        self._is_broken = False
        return answer

    def server_bind(self) -> None:
        """Bind without asking a name server who we are."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def get_request(self) -> tuple[Any, Any]:
        """Return the next connection; hands are shaken in its own thread."""
        request, address = super().get_request()
        if self._tls is None:
            return request, address
        wrapped = self._tls.wrap_socket(
            request, server_side=True, do_handshake_on_connect=False
        )
        return wrapped, address

    def process_request(self, request: Any, client_address: Any) -> None:
        """Let a thread answer; the oldest gives way to it."""
        with self._lock:
            while len(self._open) >= _MOST:
                oldest = next(iter(self._open))
                del self._open[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._open[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Let go of a connection."""
        with self._lock:
            self._open.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say it at debug: a scraper that goes is no trouble of ours."""
        LOG.debug('a scrape broke', exc_info=True)


def tls_of(cert: str, key: str, client_ca: str | None) -> ssl.SSLContext:
    """Return how to serve with these files; ConfigError names one that
    cannot be used. With an authority all others are refused."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # A password is given so that none is asked for at a terminal.
        made.load_cert_chain(cert, key, password='')
    except (OSError, ValueError) as why:
        raise exception.ConfigError(
            f'[metrics] tls_cert_file = {cert}, tls_key_file = {key}: {why}'
        ) from why
    if client_ca is not None:
        try:
            made.load_verify_locations(client_ca)
        except (OSError, ValueError) as why:
            raise exception.ConfigError(
                f'[metrics] tls_client_ca_file = {client_ca}: {why}'
            ) from why
        made.verify_mode = ssl.CERT_REQUIRED
    return made


@contextlib.contextmanager
def serving(
    address: str,
    port: int,
    page: Page,
    tls: ssl.SSLContext | None = None,
) -> Iterator[int]:
    """Serve the page meanwhile; yield the port.

    Raises ListenError where that address and port cannot be had.
    """
    try:
        made = _Server(address, port, page, tls)
    except OSError as why:
        raise exception.ListenError(
            f'[metrics] listen = {address}, port {port}: {_said(why)}'
        ) from why
    thread = threading.Thread(
        target=made.serve_forever, args=(0.2,), name='metrics', daemon=True
    )
    thread.start()
    try:
        LOG.info('metrics: listening on %s port %d', address, made.server_port)
        yield made.server_port
    finally:
        made.shutdown()
        made.server_close()


_REMEDIES = {
    errno.EADDRINUSE: 'another program has it; stop that or set another port',
    errno.EADDRNOTAVAIL: 'this machine does not have that address; name one'
    ' that it has',
    errno.EACCES: 'this user may not; set a port above 1023',
}


def _said(why: OSError) -> str:
    remedy = _REMEDIES.get(why.errno or 0, 'set another address or port')
    return f'{why.strerror}: {remedy}'
