# SPDX-License-Identifier: Apache-2.0
"""``openstack insight optout``: it is never moved."""

import argparse

from osc_lib.command import command

from kvm_insight.osc import client, listing, order, table

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
        about, subject = order.meant(parsed_args)
        body = {
            'about': about,
            'subject': subject,
            'reason': parsed_args.reason,
            'ends_us': order.ends_us(parsed_args),
        }
        return order.shown(client.of(self).post(LIST.path, body))


class List(command.Lister):
    """List opt-outs."""

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
    """Delete opt-outs."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        order.taking_back(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take them back."""
        order.take_back(client.of(self), _NOUN, parsed_args.ids)
