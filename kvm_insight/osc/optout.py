# SPDX-License-Identifier: Apache-2.0
"""``openstack insight optout``: it is never moved."""

import argparse

from osc_lib.command import command

from kvm_insight.osc import client, lister, listing, order, table

_NOUN = 'opt-outs'
LIST = listing.List(
    f'/v1/{_NOUN}',
    'opt_outs',
    filters=(listing.Filter('--subject', 'subject', 'Those about this one'),),
)


class Create(command.ShowOne):
    """Opt an instance or a project out: it is never moved.

    It is said on the bus, and listed as soon as the recorder has read it.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        order.about(parser, 'instance', 'project')
        order.reasoned(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return what was said."""
        body = order.body(parsed_args)
        return order.shown(client.of(self).post(LIST.path, body))


class List(lister.Lister):
    """List opt-outs."""

    listed = LIST
    fields = order.FIELDS


class Delete(order.Delete):
    """Delete opt-outs."""

    noun = _NOUN
