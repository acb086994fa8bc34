# SPDX-License-Identifier: Apache-2.0
"""A server of this process, for as long as a test needs it."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from typing import TypeVar

_Server = TypeVar('_Server', bound=http.server.HTTPServer)


@contextlib.contextmanager
def serving(made: _Server) -> Iterator[_Server]:
    """Let it serve from a thread, and end it."""
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join(10)
    assert not thread.is_alive()
