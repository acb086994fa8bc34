# SPDX-License-Identifier: Apache-2.0
"""Orders: what people say, and take back; listed once the recorder knows."""

import argparse
import datetime
import logging
import re
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from osc_lib import exceptions
from osc_lib.command import command

from kvm_insight.osc import client, column, table

LOG = logging.getLogger(__name__)

FIELDS = (
    table.Field('ID', 'id'),
    table.Field('About', 'about'),
    table.Field('Subject', 'subject'),
    table.Field('Holds', 'holds', column.yes),
    table.Field('By', 'by'),
    table.Field('Reason', 'reason'),
    table.Field('Begins At', 'begins_us'),
    table.Field('Ends At', 'ends_us'),
    table.Field('Every', 'every_s', column.span),
    table.Field('Made At', 'made_us', long=True),
)
_WORDS: dict[str, column.Words] = {'every_s': column.span}
_LENGTH = re.compile(r'(\d{1,9})(s|min|h|d|w)')
_SECONDS = {'s': 1, 'min': 60, 'h': 3600, 'd': 86400, 'w': 604800}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def shown(row: client.Row) -> table.Fields:
    """Return an order's fields."""
    return table.one(row, _WORDS)


_ABOUT = {
    'host': 'This host, region/host',
    'instance': 'This instance, by its UUID',
    'project': 'All of this project, by its id',
    'aggregate': 'All hosts of this aggregate, by its name',
}


def about(parser: argparse.ArgumentParser, *kinds: str) -> None:
    """Add what it can be about."""
    group = parser.add_mutually_exclusive_group(required=True)
    for kind in kinds:
        if kind == 'cloud':
            group.add_argument(
                '--cloud',
                dest='about_cloud',
                action='store_const',
                const='',
                help='The whole cloud',
            )
        else:
            group.add_argument(
                f'--{kind}',
                dest=f'about_{kind}',
                metavar=f'<{kind}>',
                help=_ABOUT[kind],
            )


def meant(args: argparse.Namespace) -> tuple[str, str | None]:
    """Return what it is about; the cloud has no name."""
    for name, value in vars(args).items():
        if name.startswith('about_') and value is not None:
            return name.removeprefix('about_'), value or None
    raise exceptions.CommandError('Say what it is about')


def reasoned(parser: argparse.ArgumentParser) -> None:
    """Add why, and until when it holds."""
    parser.add_argument('--reason', metavar='<words>', help='Why')
    end = parser.add_mutually_exclusive_group()
    end.add_argument(
        '--until',
        metavar='<time>',
        type=moment_us,
        help='When it ends, as 2026-11-01T12:00:00Z'
        ' (default: when it is deleted)',
    )
    end.add_argument(
        '--for',
        dest='length_s',
        metavar='<length>',
        type=length_s,
        help='How long it holds: 90min, 8h, 7d',
    )


def ends_us(
    args: argparse.Namespace, begins_us: int | None = None
) -> int | None:
    """Return when it ends."""
    if args.length_s is None:
        end: int | None = args.until
        return end
    start_us = begins_us or time.time_ns() // 1000
    return start_us + int(args.length_s) * 1_000_000


def body(
    args: argparse.Namespace, begins_us: int | None = None
) -> dict[str, Any]:
    """Return what is said: about what, why, and until when."""
    what, subject = meant(args)
    return {
        'about': what,
        'subject': subject,
        'reason': args.reason,
        'ends_us': ends_us(args, begins_us),
    }


class Delete(command.Command):
    """Takes orders back; the docstring of the command is its help."""

    #: As the API's address has it.
    noun: ClassVar[str]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'ids', metavar='<id>', nargs='+', help='The id that list tells'
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take them back."""
        _take_back(client.of(self), self.noun, parsed_args.ids)


def _take_back(asked: client.Client, noun: str, idents: Sequence[str]) -> None:
    """Take all of them back; raise CommandError if one could not be."""
    failed = 0
    for ident in idents:
        try:
            asked.delete(client.address(noun, ident))
        except exceptions.CommandError as why:
            failed += 1
            LOG.error('%s: %s', ident, why)
    if failed:
        raise exceptions.CommandError(
            f'{failed} of {len(idents)} could not be deleted; list tells'
            ' their ids'
        )


def moment_us(text: str) -> int:
    """Return a moment of ISO 8601 in µs since 1970."""
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text}: no time like 2026-11-01T12:00:00Z'
        ) from None
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return (when - _EPOCH) // datetime.timedelta(microseconds=1)


def length_s(text: str) -> int:
    """Return how long that is."""
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f'{text}: no length like 90min, 8h, 7d or 1w'
        )
    return int(found[1]) * _SECONDS[found[2]]
