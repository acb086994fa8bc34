# SPDX-License-Identifier: Apache-2.0
"""What libvirt last said of each domain, and how long ago that was."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from kvm_insight.model import sample
from kvm_insight.observe import bulk, machine

if TYPE_CHECKING:
    from kvm_insight.observe import connection


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """One domain in libvirt's words; the newest that there are."""

    uuid: str
    name: str
    state: 'connection.State' = 'unknown'
    reason: str | None = None
    #: None until it was read for the first time.
    xml: str | None = None
    snapshots: int = 0
    measured: bulk.Measured | None = None
    #: When it was measured, on the monotonic clock.
    measured_s: float | None = None
    job: sample.Job | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """All that is known at one instant; never changes."""

    domains: Mapping[str, Known]
    #: Why there is nothing newer; None while libvirt answers.
    trouble: str | None
    #: The host's name in libvirt's words.
    hostname: str | None = None
    #: Rounds of measuring that libvirt answered.
    rounds: int = 0
    #: How long the last round took.
    duration_us: int = 0
    #: None until libvirt told, or where nobody wants to know.
    of_machine: machine.Machine | None = None


#: Reasons for a pause behind which a job may be.
_WORKING = ('migration', 'starting_up', 'postcopy', 'save', 'dump')
_NEVER = 'not connected yet'
#: What libvirt says of the host itself is asked for so rarely; where the
#: answer hung, as it may while libvirtd first looks at each emulator, sooner.
_MACHINE_EVERY_S = 600.0
_MACHINE_AGAIN_S = 30.0


class Board:
    """Where the session's thread writes and everybody reads."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        of_machine: bool = False,
    ) -> None:
        """``of_machine`` says whether anybody wants to know of the host."""
        self._clock = clock
        self._machine: machine.Machine | None = None
        self._machine_due_s = clock() if of_machine else float('inf')
        self._news = threading.Condition()
        self._domains: dict[str, Known] = {}
        self._trouble: str | None = _NEVER
        self._hostname: str | None = None
        self._rounds = 0
        self._duration_us = 0

    def view(self) -> View:
        """Return what is known now, without waiting for anybody."""
        with self._news:
            return View(
                dict(self._domains),
                self._trouble,
                self._hostname,
                self._rounds,
                self._duration_us,
                self._machine,
            )

    def wait_for_round(self, timeout_s: float) -> None:
        """Wait for the first answer, or for the first trouble."""
        with self._news:
            self._news.wait_for(
                lambda: self._rounds > 0 or self._trouble != _NEVER,
                timeout_s,
            )

    def working(self) -> frozenset[str]:
        """Return the domains that had a job, or are about to move."""
        with self._news:
            return frozenset(
                known.uuid
                for known in self._domains.values()
                if known.job is not None or known.reason in _WORKING
            )

    def unknown(self, uuids: Iterable[str]) -> set[str]:
        """Return those of these domains whose XML was never read."""
        with self._news:
            known = {u for u, k in self._domains.items() if k.xml is not None}
        return set(uuids) - known

    def machine_is_due(self) -> bool:
        """Say whether to ask for the host itself; that is then on its way."""
        with self._news:
            now_s = self._clock()
            due = now_s >= self._machine_due_s
            if due:
                self._machine_due_s = now_s + _MACHINE_AGAIN_S
            return due

    # -- for the session -----------------------------------------------------

    def connected(self, hostname: str) -> None:
        """Somebody answered, and calls the host so."""
        with self._news:
            self._trouble = None
            self._hostname = hostname[:1024]

    def machine(self, told: machine.Machine) -> None:
        """Keep what libvirt said of the host."""
        with self._news:
            self._machine = told
            self._machine_due_s = self._clock() + _MACHINE_EVERY_S

    def trouble(self, why: str) -> None:
        """Nobody answers, for this reason; what is known stays."""
        with self._news:
            self._trouble = why
            self._news.notify_all()

    def measured(
        self, answers: 'Sequence[connection.Answer]', began_s: float
    ) -> None:
        """These are all domains; a busy one keeps what it had."""
        now_s = self._clock()
        with self._news:
            self._domains = {
                answer.uuid: _update(
                    self._domains.get(answer.uuid), answer, began_s
                )
                for answer in answers
            }
            self._duration_us = round((now_s - began_s) * 1_000_000)

    def round_over(self) -> None:
        """All that was asked for in this round is there."""
        with self._news:
            self._rounds += 1
            self._news.notify_all()

    def described(
        self, uuid: str, details: 'connection.Details | None'
    ) -> None:
        """Keep its XML and state; None is a domain that is gone."""
        with self._news:
            if details is None:
                self._domains.pop(uuid, None)
                return
            known = self._domains.get(uuid) or Known(uuid, details.name)
            self._domains[uuid] = dataclasses.replace(
                known,
                name=details.name,
                state=details.state,
                reason=details.reason,
                xml=details.xml,
                snapshots=details.snapshots,
            )

    def job(self, uuid: str, job: sample.Job | None) -> None:
        """Keep the job that runs on the domain now."""
        with self._news:
            if uuid in self._domains:
                self._domains[uuid] = dataclasses.replace(
                    self._domains[uuid], job=job
                )


def _update(
    known: Known | None, answer: 'connection.Answer', began_s: float
) -> Known:
    known = known or Known(answer.uuid, answer.name)
    if answer.measured is None:
        return dataclasses.replace(known, name=answer.name)
    return dataclasses.replace(
        known,
        name=answer.name,
        measured=answer.measured,
        measured_s=began_s,
    )
