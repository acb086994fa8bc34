# SPDX-License-Identifier: Apache-2.0
"""Processes by PID and start time, so that no stranger is ever ended."""

import contextlib
import os
import pathlib
import signal
import time


def command_line(pid: int) -> bytes:
    """Return the process's arguments, or nothing when it is gone."""
    try:
        return pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return b''


def identity(pid: int) -> str:
    """Return PID and start time, or nothing: no other process has both."""
    try:
        text = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return ''
    words = text.rsplit(')', 1)[1].split()
    return '' if words[0] in 'ZX' else f'{pid} {words[19]}'


def alive(path: pathlib.Path) -> int | None:
    """Return the PID that the file names if that process still runs."""
    try:
        word = path.read_text().strip()
        pid = int(word.split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if word == identity(pid) else None


def end(path: pathlib.Path, number: int = signal.SIGTERM) -> None:
    """End the process that the file names; SIGKILL after ten seconds."""
    pid = alive(path)
    if pid is None:
        return
    for attempt in (number, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, attempt)
        for _ in range(100):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            if alive(path) is None:
                return
            time.sleep(0.1)
