# SPDX-License-Identifier: Apache-2.0
"""``openstack insight health``: whether what is shown can be believed."""

import argparse
from collections.abc import Mapping
from typing import Any

from osc_lib.command import command

from kvm_insight.osc import client, column, table


def _silent(one: Mapping[str, Any]) -> str:
    since = column.Column(one['silent_s'], column.span)
    return column.text(f'{one["name"]}: {since}')


def _gap(one: Mapping[str, Any]) -> str:
    coverage = column.share(one['coverage'])
    return column.text(
        f'{one["name"]}: {one["missing"]} samples missing, {coverage} measured'
    )


def _read(one: Mapping[str, Any]) -> str:
    return column.text(
        f'{one["topic"]} {one["partition"]}: next {one["next_offset"]}'
    )


_WORDS: dict[str, column.Words] = {
    'silent': column.lines(_silent),
    'gaps': column.lines(_gap),
    'planner_age_s': column.span,
    'recorder': column.lines(_read),
}


class Show(command.ShowOne):
    """Show how agents, planner and recorder are."""

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return what the store knows of them."""
        found = client.of(self).get('/v1/health')
        return table.one(found, _WORDS)
