# SPDX-License-Identifier: Apache-2.0
"""systemd's notify protocol on a real socket."""

import pathlib
import socket
import uuid

import pytest

from kvm_insight.cmd import systemd


def test_words_reach_the_socket_that_systemd_names(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd_end:
        systemd_end.bind(path)
        monkeypatch.setenv('NOTIFY_SOCKET', path)
        systemd.Notifier()('READY=1')
        assert systemd_end.recv(100) == b'READY=1'


def test_an_abstract_socket_works_too() -> None:
    name = f'kvm-insight-{uuid.uuid4().hex}'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd_end:
        systemd_end.bind('\0' + name)
        systemd.Notifier('@' + name)('WATCHDOG=1')
        assert systemd_end.recv(100) == b'WATCHDOG=1'


def test_a_listener_that_reads_nothing_holds_nobody_up(
    tmp_path: pathlib.Path,
) -> None:
    path = str(tmp_path / 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd_end:
        systemd_end.bind(path)
        notifier = systemd.Notifier(path)
        for _ in range(10_000):
            notifier('STATUS=' + 'x' * 100)


def test_nobody_listening_is_no_error(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('NOTIFY_SOCKET', raising=False)
    systemd.Notifier()('READY=1')
    systemd.Notifier(str(tmp_path / 'gone'))('READY=1')
