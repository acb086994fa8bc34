# SPDX-License-Identifier: Apache-2.0
"""What ``doctor`` found, in words and as JSON."""

import collections
import dataclasses
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from kvm_insight.advise import check

_KINDS: dict[type[check.Outcome], str] = {
    check.Bad: 'bad',
    check.Good: 'good',
    check.CannotTell: 'cannot_tell',
    check.NotConcerned: 'not_concerned',
}
#: Of a finding that many domains share, so many are shown one by one.
_SHOWN = 8
_NARROWEST = 60
_LABEL = 9


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One check's answer for one host or domain."""

    asked: check.Check[Any]
    outcome: check.Outcome
    name: str
    #: The domain's; None for the host.
    uuid: str | None = None

    @property
    def kind(self) -> str:
        """The outcome in a word, as JSON has it."""
        return _KINDS[type(self.outcome)]


@dataclasses.dataclass(frozen=True, slots=True)
class Answers:
    """All that was asked and answered."""

    host: str
    rows: tuple[Row, ...]
    #: How many domains were looked at; None where none were to be.
    domains: int | None = None
    #: Why domains could not be read.
    why: str = ''

    def is_bad(self) -> bool:
        """Say whether anything is."""
        return any(row.kind == 'bad' for row in self.rows)

    def counts(self) -> dict[str, int]:
        """Return kind -> number of answers."""
        counts = collections.Counter(row.kind for row in self.rows)
        return {kind: counts[kind] for kind in _KINDS.values()}


def tree(answers: Answers, *, everything: bool) -> dict[str, object]:
    """Return all for JSON; without ``everything`` what is bad or unknown."""
    shown = ('bad', 'cannot_tell')
    return {
        'host': answers.host,
        'domains': answers.domains,
        'unread': answers.why or None,
        'counts': answers.counts(),
        'answers': [
            _record(row)
            for row in _sorted(answers.rows)
            if everything or row.kind in shown
        ],
    }


def lines(answers: Answers, *, everything: bool, width: int) -> Iterator[str]:
    """Yield all in words, worst first, with the counts at the end."""
    width = max(width, _NARROWEST)
    for rows in _grouped(answers.rows, 'bad'):
        yield from _finding(rows, width)
        yield ''
    if everything:
        for rows in _grouped(answers.rows, 'good'):
            yield from _good(rows, width)
        yield ''
    yield from _untold(answers, width)
    yield from _wrapped(_summary(answers), '', width)


def _sorted(rows: Iterable[Row]) -> list[Row]:
    def rank(row: Row) -> tuple[int, int]:
        kinds = list(_KINDS.values())
        severity = check.SEVERITIES.index(row.asked.severity)
        return kinds.index(row.kind), severity

    return sorted(rows, key=rank)


def _grouped(rows: Iterable[Row], kind: str) -> Iterator[list[Row]]:
    """Yield the answers of that kind check by check, worst first."""
    groups: dict[str, list[Row]] = {}
    for row in _sorted(one for one in rows if one.kind == kind):
        groups.setdefault(row.asked.id, []).append(row)
    yield from groups.values()


def _finding(rows: list[Row], width: int) -> Iterator[str]:
    asked = rows[0].asked
    head = f'{asked.severity.upper()}  {asked.id}  {asked.title}'
    yield from _wrapped(head, '', width)
    for row in rows[:_SHOWN]:
        if not isinstance(row.outcome, check.Bad):
            continue
        who = f'{asked.about} {row.name}'
        yield from _wrapped(f'{who}: {row.outcome.what}', '  ', width)
        for where, value in row.outcome.evidence:
            yield from _labelled('seen', f'{where} = {value}', width)
    if len(rows) > _SHOWN:
        yield f'  and {len(rows) - _SHOWN} more; --json has all'
    yield from _labelled('why', asked.reason, width)
    yield from _labelled('libvirt', asked.libvirt, width)
    yield from _labelled('Nova', asked.nova, width)
    yield from _labelled('unless', asked.unless, width)
    yield from _labelled('read', asked.source, width)


def _good(rows: list[Row], width: int) -> Iterator[str]:
    asked = rows[0].asked
    yield f'good  {asked.id}'
    for row in rows[:_SHOWN]:
        if not isinstance(row.outcome, check.Good):
            continue
        words = '; '.join(f'{x} = {y}' for x, y in row.outcome.evidence)
        yield from _wrapped(f'{asked.about} {row.name}: {words}', '  ', width)
    if len(rows) > _SHOWN:
        yield f'  and {len(rows) - _SHOWN} more; --json has all'


def _untold(answers: Answers, width: int) -> Iterator[str]:
    """Yield what could not be told, reason by reason."""
    reasons: dict[str, list[str]] = {}
    for row in answers.rows:
        if isinstance(row.outcome, check.CannotTell):
            ids = reasons.setdefault(row.outcome.why, [])
            if row.asked.id not in ids:
                ids.append(row.asked.id)
    if answers.why:
        yield from _wrapped(f'domains not read: {answers.why}', '', width)
    if reasons:
        yield 'cannot tell:'
    for why, ids in reasons.items():
        yield from _wrapped(f'{", ".join(ids)}: {why}', '  ', width)
    if reasons or answers.why:
        yield ''


def _summary(answers: Answers) -> str:
    counts = answers.counts()
    levels = collections.Counter(
        row.asked.severity for row in answers.rows if row.kind == 'bad'
    )
    bad = ', '.join(f'{levels[one]} {one}' for one in check.SEVERITIES)
    who = f'host {_plain(answers.host)}'
    if answers.domains is not None:
        noun = 'domain' if answers.domains == 1 else 'domains'
        who += f', {answers.domains} {noun}'
    return (
        f'{who}: {counts["bad"]} bad ({bad}), {counts["good"]} good,'
        f' {counts["cannot_tell"]} cannot be told,'
        f' {counts["not_concerned"]} do not arise'
    )


def _record(row: Row) -> dict[str, object]:
    asked, outcome = row.asked, row.outcome
    evidence = getattr(outcome, 'evidence', ())
    return {
        'about': asked.about,
        'name': row.name,
        'uuid': row.uuid,
        'id': asked.id,
        'subject': asked.subject,
        'severity': asked.severity,
        'outcome': row.kind,
        'what': getattr(outcome, 'what', None),
        'why': getattr(outcome, 'why', None),
        'evidence': [{'where': x, 'value': y} for x, y in evidence],
        'title': asked.title,
        'reason': asked.reason,
        'remedy': {'libvirt': asked.libvirt, 'nova': asked.nova},
        'unless': asked.unless,
        'source': asked.source,
    }


def _labelled(label: str, words: str, width: int) -> Iterator[str]:
    begin = f'    {label.ljust(_LABEL)}'
    yield from textwrap.wrap(
        _plain(words),
        width,
        initial_indent=begin,
        subsequent_indent=' ' * len(begin),
        break_on_hyphens=False,
        break_long_words=False,
    )


def _wrapped(words: str, indent: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        _plain(words),
        width,
        initial_indent=indent,
        subsequent_indent=f'{indent}    ',
        break_on_hyphens=False,
        break_long_words=False,
    )


def _plain(words: str) -> str:
    """Return them without what would move the cursor: names are foreign."""
    return ''.join(char if char.isprintable() else '?' for char in words)
