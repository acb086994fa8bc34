# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-feed``: writes what Nova's scheduler and Watcher read."""

import argparse

from kvm_insight import exception, feeder
from kvm_insight.cmd import feeding, scraping, service, systemd
from kvm_insight.conf import feed as options


def main(words: list[str] | None = None) -> int:
    """Run the feeder until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='kvm-insight-feed',
        description="Writes the files that Nova's weigher and Watcher's"
        ' strategy read on this machine.',
    )
    service.add_options(parser)
    args = parser.parse_args(words)
    return service.guard(lambda: serve(args), parser.prog)


def serve(args: argparse.Namespace) -> int:
    """Run the feeder until SIGTERM or SIGINT."""
    loaded = service.configure(args)
    settings = options.settings(loaded)
    stop = service.stop_on_signals()
    active = loaded[options.GROUP].active
    with (
        service.open_bus(loaded) as bus,
        feeding.opened(loaded, bus, active, 'feeder') as feeds,
    ):
        if not feeds:
            raise exception.ConfigError(
                f'[{options.GROUP}] active = {",".join(active)}: names no'
                ' feed of kvm-insight-feed; add nova or watcher'
            )
        made = feeder.Feeder(bus, settings, feeds)
        with scraping.feeder(loaded, lambda: made.signs):
            systemd.Notifier()('READY=1')
            made.run(stop)
    return service.OK
