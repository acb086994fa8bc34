# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-planner``: says what to move; of n copies one is active."""

import argparse

from kvm_insight import planner
from kvm_insight.cmd import (
    cluster_source,
    feeding,
    scraping,
    service,
    systemd,
)
from kvm_insight.conf import planner as options


def main(words: list[str] | None = None) -> int:
    """Run the planner until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='kvm-insight-planner',
        description='Recommends which instance to move where, and why.',
    )
    service.add_options(parser)
    args = parser.parse_args(words)
    return service.guard(lambda: serve(args), parser.prog)


def serve(args: argparse.Namespace) -> int:
    """Run the planner until SIGTERM or SIGINT."""
    loaded = service.configure(args)
    settings = options.settings(loaded)
    source = cluster_source.needed(loaded)
    stop = service.stop_on_signals()
    with (
        service.open_bus(loaded) as bus,
        source(bus) as found,
        feeding.crew_of(loaded, bus, found) as feeds,
    ):
        adviser = planner.Planner(
            bus, settings, found.read, feeds=feeds, confirm=found.confirm
        )
        with scraping.planner(loaded, lambda: adviser.signs):
            systemd.Notifier()('READY=1')
            adviser.run(stop)
    return service.OK
