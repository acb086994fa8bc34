# SPDX-License-Identifier: Apache-2.0
"""libvirt, asked without ever being waited for.

A thread holds the connection. When a call takes longer than the limit, the
thread is given up and another one connects anew: a domain whose QEMU hangs
holds its job in libvirtd, and NOWAIT passes over it from then on. What the
hung call would have said keeps its last value and its age.
"""

import dataclasses
import functools
import importlib.util
from typing import TYPE_CHECKING

from kvm_insight import exception
from kvm_insight.observe import knowledge, session

if TYPE_CHECKING:
    from kvm_insight.observe import connection

#: Each stuck call holds a worker of libvirtd, which has 20 by default.
_MOST_STUCK = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """How libvirt is reached."""

    uri: str = 'qemu:///system'
    read_only: bool = True
    call_timeout_s: float = 5.0
    #: Whether anybody wants to know what the host offers to domains, and
    #: what keeps them here.
    of_machine: bool = False
    #: Where dirty rates may be measured when somebody asks; None is nowhere.
    dirty_uri: str | None = None


class Hypervisor:
    """libvirt's knowledge of this host's domains, always at hand."""

    def __init__(self, settings: Settings) -> None:
        """Prepare; ConfigError where libvirt-python is not installed."""
        if importlib.util.find_spec('libvirt') is None:
            raise exception.ConfigError(
                'libvirt-python is not installed; pip install'
                " 'kvm-insight[agent]'"
            )
        self._settings = settings
        self._board = knowledge.Board(of_machine=settings.of_machine)
        self._session = self._open()
        self._stuck: list[session.Session] = []

    def start(self) -> None:
        """Begin to connect; nothing is waited for."""
        self._session.start()

    def ask(self) -> None:
        """Let libvirt measure; ``view`` has the answer some time later."""
        self.tend()
        self._session.ask()

    def tend(self) -> None:
        """Give a call up that hangs, and go on with a new connection."""
        self._stuck = [s for s in self._stuck if not s.ended()]
        hangs = self._session.hangs(self._settings.call_timeout_s)
        if hangs and len(self._stuck) < _MOST_STUCK:
            self._board.trouble(
                'libvirt has not answered for over'
                f' {self._settings.call_timeout_s:g} s'
            )
            self._session.give_up()
            self._stuck.append(self._session)
            self._session = self._open()
            self._session.start()

    def wait_for_round(self, timeout_s: float) -> None:
        """Wait for libvirt's first answer or refusal, at most so long."""
        self._board.wait_for_round(timeout_s)

    def view(self) -> knowledge.View:
        """Return what is known now."""
        return self._board.view()

    def close(self, timeout_s: float = 0.5) -> None:
        """Let go; a hung call is left behind."""
        self._session.give_up()
        self._session.join(timeout_s)

    def _open(self) -> session.Session:
        opener = functools.partial(_connect, self._settings)
        return session.Session(opener, self._board)


def _connect(
    settings: Settings, changed: 'connection.Changed', lost: session.Lost
) -> 'connection.Connection':
    # The analyzer and the tools are installed without libvirt-python.
    from kvm_insight.observe import connection

    return connection.Connection(
        settings.uri,
        read_only=settings.read_only,
        with_snapshots=settings.of_machine,
        changed=changed,
        lost=lost,
    )
