# SPDX-License-Identifier: Apache-2.0
"""systemd's notify protocol: one datagram to a socket that it names."""

import contextlib
import os
import socket


class Notifier:
    """Tells systemd how we are; nothing happens where nobody listens."""

    def __init__(self, address: str | None = None) -> None:
        """Take the address from NOTIFY_SOCKET unless one is given."""
        name = address or os.environ.get('NOTIFY_SOCKET', '')
        # A leading @ stands for the abstract namespace's NUL.
        self._address = '\0' + name[1:] if name.startswith('@') else name

    def __call__(self, words: str) -> None:
        """Send lines such as ``READY=1``; never blocks, never raises."""
        if not self._address:
            return
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, kind) as sender,
        ):
            sender.sendto(words.encode(), self._address)
