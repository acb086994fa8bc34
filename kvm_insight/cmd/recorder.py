# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-recorder``: writes history to the database; n copies share."""

import argparse

from kvm_insight.cmd import service, store, systemd
from kvm_insight.conf import recorder as options


def main(words: list[str] | None = None) -> int:
    """Run the recorder until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='kvm-insight-recorder',
        description='Writes hosts, hours, findings and recommendations to the'
        ' database.',
    )
    service.add_options(parser)
    args = parser.parse_args(words)
    return service.guard(lambda: serve(args), parser.prog)


def serve(args: argparse.Namespace) -> int:
    """Run the recorder until SIGTERM or SIGINT."""
    loaded = service.configure(args)
    settings = options.settings(loaded)
    store.need()
    from kvm_insight import recorder

    stop = service.stop_on_signals()
    with service.open_bus(loaded) as bus, store.opened(loaded) as book:
        systemd.Notifier()('READY=1')
        recorder.Recorder(bus, book, settings).run(stop)
    return service.OK
