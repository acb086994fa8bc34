# SPDX-License-Identifier: Apache-2.0
"""What people read while standalone runs: one line for each thing."""

import contextlib
import pathlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from kvm_insight import exception
from kvm_insight.model import codec, finding, recommendation, sample

_MOST_NAMES = 8


class Narrator:
    """Writes to a terminal or a log; used from several threads."""

    def __init__(self, out: TextIO, *, as_json: bool, title: str) -> None:
        self._out = out
        self._as_json = as_json
        self._title = title
        self._lock = threading.Lock()
        self._last: sample.Sample | None = None
        self._open: set[str] = set()

    def say(self, line: str) -> None:
        """Write one line with the time before it; nothing with JSON."""
        if not self._as_json:
            clock = time.strftime('%H:%M:%S')
            self._write(f'{clock}  {self._title}{line}')

    def sample(self, now: sample.Sample) -> None:
        """Tell what is watched, and how it goes on."""
        before, self._last = self._last, now
        if before is None or _names(before) != _names(now):
            self.say(watching(now))
        else:
            self.say(progress(before, now, len(self._open)))

    def finding(self, found: finding.Finding) -> None:
        """Tell a finding as it opens and closes."""
        if found.state == 'closed':
            self._open.discard(found.id)
        else:
            self._open.add(found.id)
        if self._as_json:
            self._write(codec.encode(found).decode())
        elif found.state != 'update':
            self.say(words(found))

    def recommendation(self, one: recommendation.Recommendation) -> None:
        """Tell what should be moved, and what has become of it."""
        state = one.state.upper()
        reason = f' ({one.state_reason})' if one.state_reason else ''
        if one.outcome is not None:
            reason = f' ({one.outcome.summary})'
        self.say(f'{state}{reason}: {one.summary}')

    def _write(self, line: str) -> None:
        with self._lock:
            self._out.write(line + '\n')
            self._out.flush()


class Recorder:
    """Writes findings to a file as JSON lines, each as it happens."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def finding(self, found: finding.Finding) -> None:
        """Append one and see that it is in the file."""
        self._file.write(codec.encode(found).decode() + '\n')
        self._file.flush()


def both(
    *takers: Callable[[finding.Finding], None],
) -> Callable[[finding.Finding], None]:
    """Return a taker that hands each finding to all of these."""

    def take(found: finding.Finding) -> None:
        for taker in takers:
            taker(found)

    return take


def words(found: finding.Finding) -> str:
    """Return a finding in words: who waited, because of whom, how long; and
    where that is, if the cloud told."""
    verdict = found.verdict.replace('_', '-')
    where = _place(found)
    if found.state == 'open':
        return f'OPENED {verdict}: {found.summary}{where}'
    ended_us = found.closed_us or found.updated_us
    lasted_s = (ended_us - found.opened_us) / 1e6
    return (
        f'CLOSED {verdict} after {lasted_s:.0f} s'
        f' ({found.closed_reason or "recovered"}): {found.summary}{where}'
    )


def _place(found: finding.Finding) -> str:
    parts = [f'zone {found.availability_zone}'] * bool(found.availability_zone)
    parts += [f'aggregate {one}' for one in found.aggregates]
    return f' [{found.host}: {", ".join(parts)}]' if parts else ''


def watching(now: sample.Sample) -> str:
    """Return who is watched from now on, and how."""
    names = _names(now)
    if not names:
        trouble = now.missing.get('libvirt')
        hint = f' (libvirt: {trouble})' if trouble else ''
        return f'{now.host}: no running domain yet{hint}'
    listed = ', '.join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    listed += f' and {more} more' if more > 0 else ''
    return (
        f'{now.host}: watching {_count(len(names), "domain")}: {listed};'
        f' {_ledger(now)}'
    )


def progress(
    before: sample.Sample, now: sample.Sample, open_findings: int
) -> str:
    """Return how the host fares, in one short line."""
    return (
        f'{_count(len(now.domains), "domain")}, {_ledger(now)},'
        f' CPUs {_busy(before.system, now.system)} busy,'
        f' {_count(open_findings, "finding")} open'
    )


def _ledger(now: sample.Sample) -> str:
    if now.ledger is None:
        return 'no ledger in this interval'
    reason = f' ({now.ledger.reason})' if now.ledger.reason else ''
    return f'ledger {now.ledger.source}{reason}'


def _names(now: sample.Sample) -> list[str]:
    """Return instances with their projects, as people know them."""
    names = []
    for domain in now.domains:
        identity = domain.identity
        name = identity.instance_name or domain.name
        project = identity.project_name or identity.project_id
        names.append(
            name if project == 'unassigned' else f'{name} (project {project})'
        )
    return names


def _busy(before: sample.System, now: sample.System) -> str:
    modes = ('user', 'nice', 'system', 'irq', 'softirq', 'guest')
    busy_us = sum(_growth(before, now, f'{mode}_us') for mode in modes)
    idle_us = _growth(before, now, 'idle_us') + _growth(
        before, now, 'iowait_us'
    )
    return f'{busy_us / max(1, busy_us + idle_us):.0%}'


def _growth(before: sample.System, now: sample.System, name: str) -> int:
    grown = (getattr(now, name) or 0) - (getattr(before, name) or 0)
    return max(0, grown)


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


@contextlib.contextmanager
def open_findings(path: pathlib.Path) -> Iterator[Recorder]:
    """Open the file of ``--findings``; ConfigError if it cannot be had."""
    try:
        file = path.open('w', encoding='utf-8')
    except OSError as why:
        raise exception.ConfigError(
            f'--findings {path}: {why.strerror}; name a file that you may'
            ' write to'
        ) from why
    with file:
        yield Recorder(file)
