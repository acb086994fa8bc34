# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-api``: answers over HTTP; n copies answer alike."""

import argparse

from kvm_insight.api import assembly, server
from kvm_insight.cmd import scraping, service, systemd


def main(words: list[str] | None = None) -> int:
    """Answer until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='kvm-insight-api',
        description='Answers over HTTP who suffers, who makes them suffer,'
        ' and what to do about it.',
    )
    service.add_options(parser)
    args = parser.parse_args(words)
    return service.guard(lambda: serve(args), parser.prog)


def serve(args: argparse.Namespace) -> int:
    """Answer until SIGTERM or SIGINT."""
    loaded = service.configure(args)
    stop = service.stop_on_signals()
    with assembly.opened(loaded) as site, scraping.api(loaded, site.page):
        settings = assembly.server_settings(loaded)
        made = server.Server(site.wsgi, settings)
        systemd.Notifier()('READY=1')
        made.run(stop)
    return service.OK
