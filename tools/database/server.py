# SPDX-License-Identifier: Apache-2.0
"""A database server as a process of an unprivileged user."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

USER = 'kvm_insight'
#: Of characters that a URL must quote; only loopback reaches it.
PASSWORD = 'pass:word@/%'
_COME_S = 60.0
_GO_S = 20.0


class ServerError(Exception):
    """The server did not come up; has its last words."""


class Server:
    """One server in a folder of its own; its data outlives its end."""

    def __init__(self, words: Callable[['Server'], list[str]]) -> None:
        """``words`` is the command that starts it in the foreground."""
        self.home = pathlib.Path(
            tempfile.mkdtemp(prefix='kvm-insight-db-', dir='/var/tmp')
        )
        self.home.chmod(0o755)
        self.port = free_port()
        self._words = words
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            shutil.chown(self.home, 'nobody')

    def run(self, *words: str | pathlib.Path, text: str = '') -> str:
        """Return what a command of the server's user says."""
        done = subprocess.run(
            words,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.home,
            **_unprivileged(),
        )
        if done.returncode:
            raise ServerError(f'{words}: {done.stderr or done.stdout}')
        said: str = done.stdout
        return said

    def start(self, answers: Callable[[], object]) -> None:
        """Start it, and return when it answers."""
        until = time.monotonic() + _COME_S
        while time.monotonic() < until:
            # The one before it may have its memory and its port still.
            if self._process is None or self._process.poll() is not None:
                self._process = self._launched()
            with contextlib.suppress(ServerError):
                answers()
                return
            time.sleep(0.1)
        self.kill()
        words = (self.home / 'log').read_text(errors='replace')
        raise ServerError(words[-2000:])

    def _launched(self) -> subprocess.Popen[bytes]:
        with (self.home / 'log').open('ab') as sink:
            return subprocess.Popen(
                self._words(self),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                cwd=self.home,
                **_unprivileged(),
            )

    def stop(self, by: signal.Signals = signal.SIGTERM) -> None:
        """End it in good order."""
        if self._process is None:
            return
        self._process.send_signal(by)
        try:
            self._process.wait(_GO_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End it and all that it began, in the middle of whatever it does."""
        if self._process is None:
            return
        pid = self._process.pid
        children = pathlib.Path(f'/proc/{pid}/task/{pid}/children')
        with contextlib.suppress(OSError):
            for child in children.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._process = None

    def wipe(self) -> None:
        """End it, and leave nothing."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)


def _unprivileged() -> dict[str, Any]:
    """Return how a child is started that may do nothing."""
    if os.geteuid() != 0:
        return {}
    return {'user': 'nobody', 'group': 'nogroup', 'extra_groups': []}


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as held:
        held.bind(('127.0.0.1', 0))
        port: int = held.getsockname()[1]
    return port
