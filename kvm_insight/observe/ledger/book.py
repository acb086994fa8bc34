# SPDX-License-Identifier: Apache-2.0
"""The kernel's matrices by name: who has which row, and what grew."""

import collections
from collections.abc import Callable, Collection

from kvm_insight import exception
from kvm_insight.model import entity

#: Fixed entities of the kernel side, as in ``ledger_core.h``.
UNATTRIBUTED, HOST, IDLE, FIRST_DOMAIN = range(4)
_FIXED = {
    UNATTRIBUTED: entity.UNATTRIBUTED,
    HOST: entity.HOST,
    IDLE: entity.IDLE,
}
#: A ring may still hold the old owner of a number, and a thread that waits
#: since then would charge it. None waits that long on a living host.
REST_NS = 60 * 10**9

#: Victim -> runner -> nanoseconds.
Charges = dict[str, dict[str, int]]


class Pool:
    """Numbers of entities: given out, and again only after a rest."""

    def __init__(self, first: int, end: int) -> None:
        self._fresh = collections.deque(range(first, end))
        self._resting: dict[int, int] = {}

    def take(self, now_ns: int) -> int | None:
        """Return a number that nothing in the kernel means any more."""
        if self._fresh:
            return self._fresh.popleft()
        for number, since_ns in self._resting.items():
            if now_ns - since_ns >= REST_NS:
                del self._resting[number]
                return number
        return None

    def put(self, number: int, now_ns: int) -> None:
        """Take a number back."""
        self._resting[number] = now_ns

    def stir(self, running: Collection[int], now_ns: int) -> None:
        """Let the rest of numbers that still run begin again."""
        for number in self._resting.keys() & set(running):
            self._resting[number] = now_ns


class Book:
    """Names for the rows and columns, and what grew since the last look.

    ``ledger`` and ``quota`` are the kernel's memory as 64-bit numbers, one
    row of ``columns`` a victim, which only ever grow.
    """

    def __init__(
        self,
        ledger: memoryview,
        quota: memoryview,
        rows: int,
        columns: int,
        clock_ns: Callable[[], int],
    ) -> None:
        self._matrices = (ledger, quota)
        self._columns = columns
        self._clock_ns = clock_ns
        self._domains = Pool(FIRST_DOMAIN, rows)
        self._services = Pool(rows, columns)
        self._names = dict(_FIXED)
        self.numbers: dict[str, int] = {}
        #: Victim's number -> what its rows held at the last look, as bytes:
        #: most rows did not change, and to see that costs next to nothing.
        self._seen: dict[int, tuple[bytes, bytes]] = {}
        self._pending: Charges = {}

    def _rows(self, victim: int) -> tuple[bytes, bytes]:
        low, high = victim * self._columns, (victim + 1) * self._columns
        ledger, quota = self._matrices
        return ledger[low:high].tobytes(), quota[low:high].tobytes()

    def gather(self) -> None:
        """Put what grew under today's names."""
        for victim in self._seen:
            rows = self._rows(victim)
            before, self._seen[victim] = self._seen[victim], rows
            if rows == before:
                continue
            row = self._pending.setdefault(self._names[victim], {})
            for name, grown_ns in self._grown(before, rows):
                row[name] = row.get(name, 0) + grown_ns

    def _grown(
        self,
        before: tuple[bytes, bytes],
        after: tuple[bytes, bytes],
    ) -> list[tuple[str, int]]:
        old, new = _numbers(before[0]), _numbers(after[0])
        grown = [
            (self._name(runner), new[runner] - old[runner])
            for runner in range(self._columns)
            if new[runner] != old[runner]
        ]
        if after[1] != before[1]:
            quota_ns = sum(_numbers(after[1])) - sum(_numbers(before[1]))
            grown.append((entity.QUOTA, quota_ns))
        return grown

    def _name(self, runner: int) -> str:
        # A number at rest belongs to nobody: such threads are the host's.
        return self._names.get(runner, entity.HOST)

    def admit(self, name: str) -> int:
        """Give an entity its number; LedgerError when none is left."""
        is_victim = entity.uuid_of(name) is not None
        pool = self._domains if is_victim else self._services
        number = pool.take(self._clock_ns())
        if number is None:
            kind = 'domains' if is_victim else 'services'
            raise exception.LedgerError(f'the ledger is full: too many {kind}')
        self.numbers[name] = number
        self._names[number] = name
        if is_victim:
            self._seen[number] = self._rows(number)
        return number

    def dismiss(self, name: str) -> None:
        """Take an entity out; what it has until now stays pending."""
        number = self.numbers.pop(name)
        del self._names[number]
        is_victim = self._seen.pop(number, None) is not None
        pool = self._domains if is_victim else self._services
        pool.put(number, self._clock_ns())

    def stir(self, running: Collection[int]) -> None:
        """Say which numbers run now, so that none of them is given out."""
        now_ns = self._clock_ns()
        self._domains.stir(running, now_ns)
        self._services.stir(running, now_ns)

    def take(self) -> Charges:
        """Return the microseconds since the last call, a row a victim.

        What is left below a microsecond waits for the next call.
        """
        self.gather()
        victims = [self._names[number] for number in self._seen]
        taken: Charges = {name: {} for name in victims}
        for victim, row in self._pending.items():
            charges = {
                runner: grown_ns // 1000
                for runner, grown_ns in row.items()
                if grown_ns >= 1000
            }
            taken.setdefault(victim, {}).update(charges)
        self._pending = {
            victim: {runner: ns % 1000 for runner, ns in row.items()}
            for victim, row in self._pending.items()
            if victim in self.numbers
        }
        return taken

    def totals(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Return each victim's row: runner -> (charged, quota) in ns.

        Since the start of the programs and before quota is taken out of who
        ran; for tests that compare with the kernel's own trace.
        """
        found = {}
        for victim in self._seen:
            ledger, quota = map(_numbers, self._rows(victim))
            row: dict[str, tuple[int, int]] = {}
            for runner, pair in enumerate(zip(ledger, quota, strict=True)):
                if any(pair):
                    old = row.get(self._name(runner), (0, 0))
                    row[self._name(runner)] = (
                        old[0] + pair[0],
                        old[1] + pair[1],
                    )
            found[self._names[victim]] = row
        return found


def _numbers(row: bytes) -> list[int]:
    return memoryview(row).cast('Q').tolist()
