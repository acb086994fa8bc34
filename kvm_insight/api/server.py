# SPDX-License-Identifier: Apache-2.0
"""Server: one application on one socket, until it is told to stop."""

import asyncio
import dataclasses
import logging
import pathlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import h11
import hypercorn.asyncio
import hypercorn.config

from kvm_insight import exception
from kvm_insight.api import application, gateway

LOG = logging.getLogger(__name__)

_LOOK_S = 0.1
_BACKLOG = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, and how patiently."""

    host: str = '127.0.0.1'
    port: int = 9775
    threads: int = 8
    #: For all headers of a request; for its body; for the answer.
    patience_s: float = 10.0
    certificate: pathlib.Path | None = None
    key: pathlib.Path | None = None


class Server:
    """Listens from the beginning; answers while ``run`` runs."""

    def __init__(self, wsgi: Any, settings: Settings) -> None:
        """Listen; raise ConfigError if that cannot be."""
        self._settings = settings
        self._gateway = gateway.Gateway(
            wsgi,
            threads=settings.threads,
            max_body=application.MAX_BODY,
            patience_s=settings.patience_s,
        )
        self._socket = _listening(settings)
        self.port: int = self._socket.getsockname()[1]

    def run(self, stop: threading.Event) -> None:
        """Answer until ``stop`` is set; then let go of the socket."""
        asyncio.run(self._serve(stop))

    async def _serve(self, stop: threading.Event) -> None:
        async def stopped() -> None:
            while not stop.is_set():
                await asyncio.sleep(_LOOK_S)

        asyncio.get_running_loop().set_exception_handler(_handle)
        # At information it says the same once more.
        logging.getLogger('hypercorn').setLevel('WARNING')
        config = _config(self._settings, self._socket.detach())
        LOG.info('listening on %s:%d', self._settings.host, self.port)
        await hypercorn.asyncio.serve(
            self._gateway,  # type: ignore[arg-type]
            config,
            shutdown_trigger=stopped,
            mode='asgi',
        )

    def close(self) -> None:
        """Let go of the socket, if it never ran."""
        self._socket.close()


def _handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say nothing of connections that broke or were cut."""
    why = context.get('exception')
    if why is None or not all(isinstance(x, _BROKEN) for x in _leaves(why)):
        loop.default_exception_handler(context)


#: What comes of a client that leaves, or does not read its answer.
_BROKEN = (OSError, asyncio.CancelledError, h11.LocalProtocolError)


def _leaves(why: BaseException) -> Iterator[BaseException]:
    if isinstance(why, BaseExceptionGroup):
        for one in why.exceptions:
            yield from _leaves(one)
    else:
        yield why


def _listening(settings: Settings) -> socket.socket:
    where = settings.host, settings.port
    family = socket.AF_INET6 if ':' in settings.host else socket.AF_INET
    try:
        made = socket.create_server(where, family=family, backlog=_BACKLOG)
    except OSError as why:
        raise exception.ConfigError(
            f'[api] host, port = {settings.host}, {settings.port}:'
            f' {why.strerror or why}; choose an address of this machine and'
            ' a free port'
        ) from why
    # Of those that it accepts, too: the kernel ends a connection whose client
    # does not read; nothing else would.
    timeout_ms = int(2 * settings.patience_s * 1000)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
    return made


def _config(settings: Settings, descriptor: int) -> hypercorn.config.Config:
    config = hypercorn.config.Config()
    config.bind = [f'fd://{descriptor}']
    config.backlog = _BACKLOG
    # From the connection's begin to the headers' end, and between requests.
    config.keep_alive_timeout = settings.patience_s
    config.graceful_timeout = 3.0
    config.include_server_header = False
    config.errorlog = logging.getLogger('hypercorn')
    config.accesslog = None
    # What is sent in pieces over one connection needs no HTTP/2.
    config.alpn_protocols = ['http/1.1']
    if settings.certificate is not None:
        config.certfile = str(settings.certificate)
        config.keyfile = str(settings.key or settings.certificate)
    return config
