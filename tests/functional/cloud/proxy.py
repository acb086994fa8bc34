# SPDX-License-Identifier: Apache-2.0
"""A proxy before the real services that can be made to fail."""

import contextlib
import http.client
import http.server
import threading
import time
import urllib.parse

from cloud import place

#: As ``/compute`` in the path -> the service behind it.
SERVICES = {
    'identity': 'keystone',
    'compute': 'nova',
    'placement': 'placement',
}
_SLOW_S = 10.0
_PER_HOP = {'connection', 'content-length', 'transfer-encoding'}

Headers = list[tuple[str, str]]


class Proxy(http.server.ThreadingHTTPServer):
    """Passes on what it is asked, unless that service has a fault."""

    daemon_threads = True

    def __init__(self, where: place.Place) -> None:
        super().__init__((place.HOST, 0), _Handler)
        self.where = where
        #: Service -> a status, ``slow`` or ``broken``.
        self.faults: dict[str, int | str] = {}
        self._thread = threading.Thread(target=self.serve_forever)
        self._thread.start()

    def url(self, service: str) -> str:
        path = urllib.parse.urlsplit(self.where.url(SERVICES[service])).path
        return f'http://{place.HOST}:{self.server_port}/{service}{path}'

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def ask(
        self,
        service: str,
        method: str,
        rest: str,
        headers: Headers,
        body: bytes,
    ) -> tuple[int, Headers, bytes]:
        """Return what the service answers."""
        port = self.where.port(SERVICES[service])
        there = http.client.HTTPConnection(place.HOST, port, timeout=60)
        try:
            there.request(method, f'/{rest}', body, dict(headers))
            told = there.getresponse()
            return told.status, told.getheaders(), told.read()
        finally:
            there.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = 'HTTP/1.1'

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def do_PUT(self) -> None:
        self._pass_on()

    def do_DELETE(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        _, service, rest = self.path.split('/', 2)
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        fault = self.server.faults.get(service)
        if isinstance(fault, int):
            text = f'{{"error": {{"message": "fault {fault}"}}}}'
            kind = [('Content-Type', 'application/json')]
            self._answer(fault, kind, text.encode())
            return
        if fault == 'slow':
            time.sleep(_SLOW_S)
        kept = [
            pair
            for pair in self.headers.items()
            if pair[0].lower() not in ('host', 'connection')
        ]
        try:
            status, headers, data = self.server.ask(
                service, self.command, rest, kept, body
            )
        except OSError:
            self.close_connection = True
            return
        if fault == 'broken':
            data = data[: len(data) // 2]
        self._answer(status, headers, data)

    def _answer(self, status: int, headers: Headers, body: bytes) -> None:
        self.send_response(status)
        for key, value in headers:
            if key.lower() not in _PER_HOP:
                self.send_header(key, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        # Who does not wait so long is gone.
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass
