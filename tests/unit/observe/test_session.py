# SPDX-License-Identifier: Apache-2.0
"""A connection to libvirt that is slow or hangs, and what is known then.

No libvirtd hangs on demand in one call of several; so the link is scripted.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip('libvirt')

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import connection, knowledge, session

PEOPLE = ('a', 'b', 'c', 'd')


@dataclasses.dataclass
class Link:
    """libvirt with four domains."""

    describe_s: float = 0.0
    hangs: threading.Event | None = None
    measured: int = 0

    def hostname(self) -> str:
        return 'here'

    def alive(self) -> bool:
        return True

    def close(self) -> None:
        return

    def active(self) -> set[str]:
        return set(PEOPLE)

    def measure(self, *, dirty_rate: bool) -> list[connection.Answer]:
        del dirty_rate
        if self.hangs is not None:
            self.hangs.wait()
        self.measured += 1
        return [connection.Answer(name, name, None) for name in PEOPLE]

    def describe(self, uuid: str) -> connection.Details | None:
        time.sleep(self.describe_s)
        return connection.Details(uuid, 'running', None, '<domain/>')

    def job(self, uuid: str) -> sample.Job | None:
        raise exception.HypervisorError(uuid)


Serve = Callable[[Link], tuple[session.Session, knowledge.Board]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A maker of running sessions; all end with the test."""
    running: list[tuple[session.Session, Link]] = []

    def make(link: Link) -> tuple[session.Session, knowledge.Board]:
        board = knowledge.Board()
        new = session.Session(lambda *_: link, board)  # type: ignore[arg-type]
        running.append((new, link))
        new.start()
        return new, board

    yield make
    for one, link in running:
        one.give_up()
        if link.hangs is not None:
            link.hangs.set()
        one.join(5)


def _until(condition: Callable[[], bool], timeout_s: float = 10) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def _described(board: knowledge.Board) -> set[str]:
    return {u for u, k in board.view().domains.items() if k.xml}


def test_owners_are_known_where_measuring_hangs_each_time(
    serve: Serve,
) -> None:
    one, board = serve(Link(hangs=threading.Event()))
    _until(lambda: one.hangs(0.05))
    assert _described(board) == set(PEOPLE)


def test_many_calls_that_answer_are_no_call_that_hangs(serve: Serve) -> None:
    one, board = serve(Link(describe_s=0.15))
    seen = []
    _until(lambda: seen.append(one.hangs(0.4)) or board.view().rounds > 0)  # type: ignore[func-returns-value]
    assert not any(seen)
    assert _described(board) == set(PEOPLE)


def test_what_is_known_stays_when_a_session_follows(serve: Serve) -> None:
    link = Link()
    one, board = serve(link)
    _until(lambda: board.view().rounds > 0)
    assert one.ended() is False
    assert board.unknown(PEOPLE) == set()
    assert board.unknown([*PEOPLE, 'e']) == {'e'}
