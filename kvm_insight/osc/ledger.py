# SPDX-License-Identifier: Apache-2.0
"""Ledgers: who waited for whom, of an instance or of a whole host."""

import argparse
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from osc_lib.command import command

from kvm_insight.osc import client, column, listing, naming, table

LOG = logging.getLogger(__name__)

#: Below this part of the time, what was not measured is worth a word.
_WELL_COVERED = 0.95
#: Of a host so many rows are shown, unless all are asked for.
_LARGEST = 20

_INSTANCE = (
    table.Field('Direction', 'direction'),
    table.Field('Who', 'party', column.party),
    table.Field('Kind', 'kind'),
    table.Field('Waited', 'waited_us', column.core_us),
    table.Field('Share', 'share', column.share),
    table.Field('UUID', 'uuid', long=True),
    table.Field('Project ID', 'project_id', long=True),
)
_HOST = (
    table.Field('Victim', 'victim', column.party),
    table.Field('Runner', 'runner', column.party),
    table.Field('Waited', 'waited_us', column.core_us),
    table.Field('Share', 'share', column.share),
)


class OfInstance(command.Lister):
    """Show for whom an instance waited, and who waited for it.

    Shares of what it suffered are of all its waiting, so that what is in
    nobody's account is what they lack of 100 %. Shares of what it caused are
    of all that it caused.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'instance',
            metavar='<instance>',
            help='Its UUID, or its name if no other one has it',
        )
        listing.period(parser)
        listing.long(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Table:
        """Return the rows."""
        asked = client.of(self)
        uuid = naming.instance(asked, parsed_args.instance)
        when = _period(parsed_args)
        found = naming.get(asked, 'instance', uuid, 'ledger', query=when)
        _tell_coverage(found)
        rows = [
            *_rows(found, 'suffered', found['delay_us']),
            *_rows(
                found,
                'caused',
                sum(line['waited_us'] for line in found['caused']),
            ),
        ]
        return table.made(_INSTANCE, rows, long=parsed_args.long)


class OfHost(command.Lister):
    """Show who waited for whom on a host, the most first."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'host', metavar='<host>', help='Its name, region/host'
        )
        listing.period(parser)
        parser.add_argument(
            '--all',
            action='store_true',
            help=f'Show all that waited (default: the largest {_LARGEST})',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Table:
        """Return the rows."""
        found = naming.get(
            client.of(self),
            'host',
            parsed_args.host,
            'ledger',
            query=_period(parsed_args),
        )
        _tell_coverage(found)
        parties = found['parties']
        whole = sum(us for _, _, us in found['charges'])
        rows = [
            {
                'victim': parties[victim],
                'runner': parties[runner],
                'waited_us': us,
                'share': _share(us, whole),
            }
            for victim, runner, us in found['charges']
        ]
        shown = rows if parsed_args.all else rows[:_LARGEST]
        if len(shown) < len(rows):
            LOG.warning(
                'and %d more, each smaller: --all shows them',
                len(rows) - len(shown),
            )
        return table.made(_HOST, shown)


def _rows(
    found: Mapping[str, Any], direction: str, whole_us: int
) -> Iterator[dict[str, Any]]:
    for line in found[direction]:
        who = line['party']
        yield {
            **who,
            'direction': direction,
            'party': who,
            'waited_us': line['waited_us'],
            'share': _share(line['waited_us'], whole_us),
        }


def _share(part_us: int, whole_us: int) -> float | None:
    return part_us / whole_us if whole_us else None


def _period(args: argparse.Namespace) -> dict[str, str]:
    given = {'since': args.since, 'until': args.until}
    return {name: value for name, value in given.items() if value}


def _tell_coverage(found: Mapping[str, Any]) -> None:
    """Say so where a gap could be taken for health."""
    if not found['measured_us']:
        LOG.warning(
            '%s; look again after the full hour, or ask for longer with'
            ' --since',
            column.NO_HOUR,
        )
        return
    whole_us = found['until_us'] - found['since_us']
    part = found['measured_us'] / whole_us if whole_us else 0.0
    if part < _WELL_COVERED:
        LOG.warning(
            '%s of the time was measured; of the rest nothing is known.',
            column.share(part),
        )
