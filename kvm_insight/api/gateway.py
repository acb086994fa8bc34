# SPDX-License-Identifier: Apache-2.0
"""Gateway: what is slow or too large never costs a thread.

A request is taken in whole before the application is called, and an answer is
handed over whole before its thread is free: how fast a client reads or writes
is the event loop's affair alone, and its patience has an end.
"""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import a2wsgi
import msgspec

from kvm_insight.api import answering, problem
from kvm_insight.api.resource import failure

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class _Gone(Exception):
    """The client left before it had said all."""


class Gateway:
    """An ASGI application before one of WSGI."""

    def __init__(
        self,
        application: Any,
        *,
        threads: int,
        max_body: int,
        patience_s: float,
        queue: int = 200,
    ) -> None:
        """Let so many threads answer; refuse what waits beyond the queue."""
        self._inner: Any = a2wsgi.WSGIMiddleware(application, workers=threads)
        self._max_body = max_body
        self._patience_s = patience_s
        self._most = threads + queue
        self._under_way = 0

    async def __call__(
        self, scope: Message, receive: Receive, send: Send
    ) -> None:
        """Answer one request."""
        if scope['type'] != 'http':
            await self._inner(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._patience_s):
                body = await self._whole(scope, receive)
        except TimeoutError:
            answer = _refused(408, problem.BAD_REQUEST, 'Too slow.')
        except problem.Problem as why:
            answer = _refused(why.status, why.code, why.detail)
        except _Gone:
            return
        else:
            answer = await self._answered(scope, body)
        # Whoever does not read in time is cut by the kernel; see ``server``.
        with contextlib.suppress(OSError):
            for message in answer:
                await send(message)

    async def _whole(self, scope: Message, receive: Receive) -> bytes:
        """Return the body; raise Problem if it is too large."""
        for name, value in scope['headers']:
            if name == b'content-length' and int(value) > self._max_body:
                raise _too_large()
        body = bytearray()
        while True:
            message = await receive()
            if message['type'] == 'http.disconnect':
                raise _Gone
            body += message.get('body', b'')
            if len(body) > self._max_body:
                raise _too_large()
            if not message.get('more_body'):
                return bytes(body)

    async def _answered(self, scope: Message, body: bytes) -> list[Message]:
        """Return all that the application answers."""
        if self._under_way >= self._most:
            return _refused(
                503, problem.UNAVAILABLE, 'Too much to do; try again later.'
            )
        answer: list[Message] = []

        async def replay() -> Message:
            return {'type': 'http.request', 'body': body}

        async def collect(message: Message) -> None:
            answer.append(message)

        self._under_way += 1
        try:
            await self._inner(_plain(scope), replay, collect)
        finally:
            self._under_way -= 1
        return answer


def _plain(scope: Message) -> Message:
    """Return it without headers that WSGI could take for others: there
    ``X_Auth_Token`` and ``X-Auth-Token`` are the same."""
    headers = [pair for pair in scope['headers'] if b'_' not in pair[0]]
    return {**scope, 'headers': headers}


def _too_large() -> problem.Problem:
    return problem.Problem(
        413, problem.TOO_LARGE, 'The body is larger than any that has a use.'
    )


def _refused(status: int, code: str, detail: str) -> list[Message]:
    """Return an answer after which the connection is closed."""
    request_id = f'req-{uuid.uuid4()}'
    made = failure.Failures(
        errors=[
            failure.Failure(
                status=status,
                code=code,
                title=problem.title(status),
                detail=detail,
                request_id=request_id,
            )
        ]
    )
    body = msgspec.json.encode(made)
    headers = [
        (b'content-type', answering.JSON.encode()),
        (b'content-length', str(len(body)).encode()),
        (b'connection', b'close'),
        (answering.REQUEST_ID.lower().encode(), request_id.encode()),
    ]
    return [
        {'type': 'http.response.start', 'status': status, 'headers': headers},
        {'type': 'http.response.body', 'body': body},
    ]
