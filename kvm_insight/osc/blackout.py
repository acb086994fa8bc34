# SPDX-License-Identifier: Apache-2.0
"""``openstack insight blackout``: nothing is moved there meanwhile."""

import argparse

from osc_lib.command import command

from kvm_insight.osc import client, listing, order, table

_NOUN = 'blackout-windows'
LIST = listing.List(
    f'/v1/{_NOUN}',
    'blackout_windows',
    filters=(listing.Filter('--subject', 'subject', 'Those about this one'),),
)


class Create(command.ShowOne):
    """Create a blackout window: nothing is moved there meanwhile.

    It is said on the bus, and listed as soon as the recorder has read it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        order.about(parser, 'host', 'aggregate', 'cloud')
        parser.add_argument(
            '--name',
            metavar='<name>',
            help='Tells windows of one host or aggregate apart',
        )
        parser.add_argument(
            '--begin',
            metavar='<time>',
            type=order.moment_us,
            help='When it begins, as 2026-11-01T22:00:00Z (default: now)',
        )
        parser.add_argument(
            '--every',
            metavar='<length>',
            type=order.length_s,
            help='It comes again so often: 1d, 1w; needs --begin and an end',
        )
        order.reasoned(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return what was said."""
        about, subject = order.meant(parsed_args)
        body = {
            'about': about,
            'subject': subject,
            'name': parsed_args.name,
            'reason': parsed_args.reason,
            'begins_us': parsed_args.begin,
            'ends_us': order.ends_us(parsed_args, parsed_args.begin),
            'every_s': parsed_args.every,
        }
        return order.shown(client.of(self).post(LIST.path, body))


class List(command.Lister):
    """List blackout windows."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        LIST.add(parser)
        listing.long(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Table:
        """Return the rows."""
        rows = LIST.read(client.of(self), parsed_args)
        return table.made(order.FIELDS, rows, long=parsed_args.long)


class Delete(command.Command):
    """Delete blackout windows."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        order.taking_back(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take them back."""
        order.take_back(client.of(self), _NOUN, parsed_args.ids)
