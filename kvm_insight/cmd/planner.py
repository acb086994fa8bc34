# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-planner``: says what to move; of n copies one is active."""

import argparse
import pathlib

from kvm_insight import exception, planner
from kvm_insight.bus import driver, topic
from kvm_insight.cmd import cluster_file, feeding, service, systemd
from kvm_insight.conf import bus as bus_options
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
    if settings.cluster_file is None:
        raise exception.ConfigError(
            f'[{options.GROUP}] cluster_file is not set: name a file with '
            'the description of the cluster'
        )
    stop = service.stop_on_signals()
    name, values = bus_options.driver_settings(loaded)
    bus = driver.open_bus(name, values)
    try:
        if name == 'embedded':
            bus.create_topics(topic.layout(settings.prefix, partitions=1))
        systemd.Notifier()('READY=1')
        read = reader(settings.cluster_file)
        with feeding.crew_of(loaded, bus) as feeds:
            planner.Planner(bus, settings, read, feeds=feeds).run(stop)
    finally:
        bus.close()
    return service.OK


def reader(path: str) -> planner.Reader:
    """Return what reads the description of the cluster, now and later."""
    return cluster_file.ClusterFile(pathlib.Path(path)).read
