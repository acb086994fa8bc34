# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-analyzer``: turns samples into findings; n copies share."""

import argparse

from kvm_insight import analyzer
from kvm_insight.cmd import advising, allocator, scraping, service, systemd
from kvm_insight.conf import analyzer as options


def main(words: list[str] | None = None) -> int:
    """Run the analyzer until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='kvm-insight-analyzer',
        description='Finds who waits for a CPU, and because of whom.',
    )
    service.add_options(parser)
    args = parser.parse_args(words)
    return service.guard(lambda: serve(args), parser.prog)


def serve(args: argparse.Namespace) -> int:
    """Run the analyzer until SIGTERM or SIGINT."""
    allocator.keep_large_apart()
    loaded = service.configure(args)
    settings = options.settings(loaded)
    stop = service.stop_on_signals()
    with service.open_bus(loaded) as bus:
        judge = analyzer.Analyzer(bus, settings)
        with (
            scraping.analyzer(loaded, lambda: judge.signs),
            advising.beside(bus, settings),
        ):
            systemd.Notifier()('READY=1')
            judge.run(stop)
    return service.OK
