# SPDX-License-Identifier: Apache-2.0
"""``openstack insight blackout``: nothing is moved there meanwhile."""

import argparse

from osc_lib.command import command

from kvm_insight.osc import client, lister, listing, order, table

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
        body = {
            **order.body(parsed_args, parsed_args.begin),
            'name': parsed_args.name,
            'begins_us': parsed_args.begin,
            'every_s': parsed_args.every,
        }
        return order.shown(client.of(self).post(LIST.path, body))


class List(lister.Lister):
    """List blackout windows."""

    listed = LIST
    fields = order.FIELDS


class Delete(order.Delete):
    """Delete blackout windows."""

    noun = _NOUN
