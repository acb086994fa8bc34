# SPDX-License-Identifier: Apache-2.0
"""Listing: what commands that list are told: which rows, and how many."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from kvm_insight.osc import client


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """One switch, and the parameter of the API that it becomes."""

    switch: str
    parameter: str
    help: str
    metavar: str | None = None
    choices: Sequence[str] | None = None
    #: For a switch without a value.
    const: str | None = None

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add it to a command."""
        if self.const is not None:
            parser.add_argument(
                self.switch,
                dest=self._dest,
                action='store_const',
                const=self.const,
                help=self.help,
            )
            return
        more: dict[str, Any] = {'choices': self.choices}
        if self.choices is None:
            more = {'metavar': self.metavar or f'<{self.switch[2:]}>'}
        parser.add_argument(
            self.switch, dest=self._dest, help=self.help, **more
        )

    @property
    def _dest(self) -> str:
        return f'filter_{self.parameter}'

    def of(self, args: argparse.Namespace) -> str | None:
        """Return what was given."""
        found: str | None = getattr(args, self._dest)
        return found


@dataclasses.dataclass(frozen=True, slots=True)
class List:
    """What one list can be asked for."""

    path: str
    key: str
    filters: Sequence[Filter] = ()
    sorts: Sequence[str] = ()
    #: Whether it comes in parts.
    paged: bool = True

    def add(self, parser: argparse.ArgumentParser) -> None:
        """Add its switches to a command."""
        for one in self.filters:
            one.add(parser)
        if self.sorts:
            parser.add_argument(
                '--sort',
                metavar='<key>[:<direction>]',
                help='Sort by this key, asc or desc: ' + ', '.join(self.sorts),
            )
        if self.paged:
            parser.add_argument(
                '--limit',
                metavar='<number>',
                type=positive,
                help=f'At most so many (default: all, up to {client.MOST})',
            )
            parser.add_argument(
                '--marker',
                metavar='<id>',
                help='Begin after this one of the same list',
            )

    def read(
        self, asked: client.Client, args: argparse.Namespace
    ) -> list[client.Row]:
        """Return the rows."""
        query = {one.parameter: one.of(args) for one in self.filters}
        if self.sorts and args.sort:
            key, _, direction = args.sort.partition(':')
            query['sort_key'] = key
            query['sort_dir'] = direction or None
        given = {name: value for name, value in query.items() if value}
        if not self.paged:
            found = asked.get(self.path, given, self.key)
            rows: list[client.Row] = found[self.key]
            return rows
        part = client.Part(args.limit, args.marker)
        return asked.listed(self.path, self.key, given, part)


def long(parser: argparse.ArgumentParser) -> None:
    """Add ``--long``."""
    parser.add_argument(
        '--long', action='store_true', help='Show all that is told of each'
    )


def period(parser: argparse.ArgumentParser) -> None:
    """Add from when to when."""
    parser.add_argument(
        '--since',
        metavar='<time>',
        help='From when on, as 2026-11-01 or 2026-11-01T12:00:00Z'
        ' (default: a day before the end)',
    )
    parser.add_argument(
        '--until', metavar='<time>', help='Until when (default: now)'
    )


def positive(text: str) -> int:
    """Return a number of at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{text}: at least 1')
    return number
