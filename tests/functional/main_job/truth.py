# SPDX-License-Identifier: Apache-2.0
"""When each guest's load really changed, from what it prints itself."""

import dataclasses
import pathlib
import threading
import time


@dataclasses.dataclass(frozen=True, slots=True)
class Phase:
    """A guest began this load, by the host's monotonic clock."""

    name: str
    duty: int
    at_s: float


class Consoles:
    """Follows the consoles of some guests in a thread of its own."""

    def __init__(self, consoles: dict[str, pathlib.Path]) -> None:
        self._consoles = consoles
        self._read = dict.fromkeys(consoles, 0)
        self._phases: list[Phase] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def phases(self, name: str) -> list[Phase]:
        """Return the guest's phases until now, in order."""
        return [phase for phase in self._phases if phase.name == name]

    def busy(self, name: str, duty: int = 50) -> list[tuple[float, float]]:
        """Return from when to when it was at least so busy.

        A phase that still lasts ends now.
        """
        spans: list[tuple[float, float]] = []
        phases = self.phases(name)
        ends = [phase.at_s for phase in phases[1:]] + [time.monotonic()]
        for phase, end in zip(phases, ends, strict=True):
            if phase.duty < duty:
                continue
            if spans and spans[-1][1] == phase.at_s:
                spans[-1] = (spans[-1][0], end)
            else:
                spans.append((phase.at_s, end))
        return spans

    def was_busy(self, name: str, duty: int = 50) -> bool:
        """Say whether it has been so busy and is not any more."""
        duties = [phase.duty for phase in self.phases(name)]
        return max(duties, default=0) >= duty > duties[-1]

    def close(self) -> None:
        """Follow no longer."""
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(0.1):
            for name, path in self._consoles.items():
                self._read_new(name, path)

    def _read_new(self, name: str, path: pathlib.Path) -> None:
        if not path.exists():
            return
        with path.open('rb') as file:
            file.seek(self._read[name])
            whole, newline, _ = file.read().rpartition(b'\n')
        self._read[name] += len(whole) + len(newline)
        now = time.monotonic()
        for line in whole.decode(errors='replace').splitlines():
            words = line.split()
            if len(words) == 3 and words[0] == 'phase':
                self._phases.append(Phase(name, int(words[2]), now))
