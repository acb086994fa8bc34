# SPDX-License-Identifier: Apache-2.0
"""``openstack insight acknowledgement``: somebody is at it."""

import argparse

from osc_lib.command import command

from kvm_insight.osc import client, lister, listing, order, table

_NOUN = 'acknowledgements'
LIST = listing.List(
    f'/v1/{_NOUN}',
    'acknowledgements',
    filters=(listing.Filter('--subject', 'subject', 'Those about this one'),),
)


class Create(command.ShowOne):
    """Acknowledge a finding: somebody is at it.

    It is said on the bus, and listed as soon as the recorder has read it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument('finding', metavar='<finding>', help='Its id')
        order.reasoned(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return what was said."""
        body = {
            'finding': parsed_args.finding,
            'reason': parsed_args.reason,
            'ends_us': order.ends_us(parsed_args),
        }
        return order.shown(client.of(self).post(LIST.path, body))


class List(lister.Lister):
    """List acknowledgements."""

    listed = LIST
    fields = order.FIELDS


class Delete(order.Delete):
    """Delete acknowledgements."""

    noun = _NOUN
