# SPDX-License-Identifier: Apache-2.0
"""Lister: a command that lists; each says of what, and in which columns."""

import argparse
from collections.abc import Sequence
from typing import ClassVar

from osc_lib.command import command

from kvm_insight.osc import client, listing, table


class Lister(command.Lister):
    """Lists what the API has; the docstring of the command is its help."""

    listed: ClassVar[listing.List]
    fields: ClassVar[Sequence[table.Field]]

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        self.listed.add(parser)
        listing.long(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Table:
        """Return the rows."""
        rows = self.listed.read(client.of(self), parsed_args)
        return table.made(self.fields, rows, long=parsed_args.long)
