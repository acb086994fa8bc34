# SPDX-License-Identifier: Apache-2.0
"""``openstack insight recommendation``: what to move; yes or no to it."""

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from osc_lib.command import command

from kvm_insight.osc import (
    client,
    column,
    lister,
    listing,
    naming,
    order,
    table,
)

LIST = listing.List(
    '/v1/recommendations',
    'recommendations',
    filters=(
        listing.Filter(
            '--state',
            'state',
            'Those in this state',
            choices=(
                'proposed',
                'approved',
                'executing',
                'executed',
                'failed',
                'expired',
                'withdrawn',
            ),
        ),
        listing.Filter(
            '--mode',
            'mode',
            'Those made to this end',
            choices=('relieve', 'balance', 'consolidate', 'evacuate'),
        ),
        listing.Filter(
            '--outcome',
            'outcome',
            'Those of which this came',
            choices=('helped', 'no_change', 'worse', 'unknown'),
        ),
        listing.Filter(
            '--instance',
            'instance',
            'Those that move this instance',
            metavar='<uuid>',
        ),
        listing.Filter(
            '--host', 'host', 'Those with a move from or to this host'
        ),
        listing.Filter(
            '--since',
            'since',
            'Those made at or after this time',
            metavar='<time>',
        ),
        listing.Filter(
            '--until',
            'until',
            'Those made before this time',
            metavar='<time>',
        ),
    ),
    sorts=('created_us', 'expires_us', 'gain_core_s'),
)


def _move(one: Mapping[str, Any]) -> str:
    name = one.get('name') or one['instance']
    return column.text(f'{name}: {one["source"]} -> {one["destination"]}')


def _reasoned(one: Mapping[str, Any]) -> str:
    return f'{_move(one)}; {column.text(one["reason"])}'


def _part(one: Mapping[str, Any]) -> str:
    return column.text(
        f'{one["name"]}: {one["before"]:.3g} -> {one["after"]:.3g}'
        f' {one["unit"]}'
    )


def _moves(value: Sequence[Mapping[str, Any]]) -> str:
    return ', '.join(map(_move, value))


_FIELDS = (
    table.Field('ID', 'id'),
    table.Field('State', 'state'),
    table.Field('Mode', 'mode'),
    table.Field('Moves', 'moves', _moves),
    table.Field('Gain', 'gain_core_s', column.core_s),
    table.Field('Cost', 'cost_core_s', column.core_s),
    table.Field('Risk', 'risk', column.share),
    table.Field('Expires At', 'expires_us'),
    table.Field('Outcome', 'outcome'),
    table.Field('Created At', 'created_us', long=True),
    table.Field('Generation', 'generation', long=True),
    table.Field('Gone', 'gone_us', long=True),
    table.Field('Summary', 'summary', long=True),
)
_WORDS: dict[str, column.Words] = {
    'gain_core_s': column.core_s,
    'cost_core_s': column.core_s,
    'risk': column.share,
    'moves': column.lines(_reasoned),
    'score': column.lines(_part),
}


class List(lister.Lister):
    """List recommendations: what to move, and what that gains."""

    listed = LIST
    fields = _FIELDS


class Show(command.ShowOne):
    """Show a recommendation, with its reasons and what came of it."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        _add_id(parser)
        parser.add_argument(
            '--record',
            action='store_true',
            help='Show also the record as it was published',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return its fields."""
        ident = parsed_args.recommendation
        found = naming.get(client.of(self), 'recommendation', ident)
        record = found.pop('record')
        # What is as its type begins is not said on the wire.
        found |= {
            'state_reason': record.get('state_reason'),
            'outcome_summary': record.get('outcome', {}).get('summary'),
            'validity': record.get('validity', {}).get('verdict', 'unchecked'),
            'score': record['parts'],
            'score_before': record['score_before'],
            'score_after': record['score_after'],
            'fingerprint': record['fingerprint'],
        }
        if parsed_args.record:
            found['record'] = record
        return table.one(found, _WORDS)


class Approve(command.ShowOne):
    """Approve a recommendation: an actuator that is turned on does it.

    It is said on the bus; the answer shows what was said there.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        return _deciding(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return what was said."""
        return _decided(client.of(self), parsed_args, 'approve')


class Reject(command.ShowOne):
    """Reject a recommendation: nothing of it is done.

    It is said on the bus; the answer shows what was said there.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        return _deciding(super().get_parser(prog_name))

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return what was said."""
        return _decided(client.of(self), parsed_args, 'reject')


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'recommendation', metavar='<recommendation>', help='Its id'
    )


def _deciding(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    _add_id(parser)
    parser.add_argument(
        '--reason', metavar='<words>', help='Why; kept beside it'
    )
    parser.add_argument(
        '--fingerprint',
        metavar='<fingerprint>',
        help='Only if it still rests on the same facts: as show told it',
    )
    return parser


def _decided(
    asked: client.Client, args: argparse.Namespace, verb: str
) -> table.Fields:
    headers = {}
    if args.fingerprint:
        headers['If-Match'] = f'"{args.fingerprint}"'
    path = client.address('recommendations', args.recommendation, verb)
    return order.shown(
        asked.post(path, {'reason': args.reason}, headers=headers)
    )
