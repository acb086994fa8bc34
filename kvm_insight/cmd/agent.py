# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight-agent``: the service on each host."""

import argparse
import contextlib
import pathlib
import resource
import signal
from collections.abc import Callable, Iterator

from oslo_config import cfg

from kvm_insight import agent
from kvm_insight.bus import forward, order_tail, port, spool, topic
from kvm_insight.cmd import scraping, service, systemd
from kvm_insight.conf import agent as options
from kvm_insight.conf import bus as bus_options
from kvm_insight.identify import mapping
from kvm_insight.model import vitals
from kvm_insight.observe import hypervisor, observatory, schedule

_STOP_S = 0.5


def main(words: list[str] | None = None) -> int:
    """Run the agent until it is told to stop; return the exit code."""
    parser = argparse.ArgumentParser(
        prog='kvm-insight-agent',
        description='Measures this host and its domains for kvm_insight.',
    )
    service.add_options(parser)
    args = parser.parse_args(words)
    return service.guard(lambda: serve(args), parser.prog)


def serve(args: argparse.Namespace) -> int:
    """Run the agent until SIGTERM or SIGINT."""
    loaded = service.configure(args)
    stop = service.stop_on_signals()
    with (
        service.open_bus(loaded) as bus,
        open_store(loaded, bus) as (store, transport),
        scraping.agent(loaded, transport) as on_sample,
    ):
        watcher = agent.Agent(
            settings(loaded),
            store,
            reload=lambda: settings(service.configure(args)),
            notify=systemd.Notifier(),
            on_sample=on_sample,
        )
        signal.signal(signal.SIGHUP, lambda *_: watcher.request_reload())
        with orders(loaded, bus, watcher):
            watcher.run(stop)
    return service.OK


def orders(
    loaded: cfg.ConfigOpts, bus: port.Bus, watcher: agent.Agent
) -> contextlib.AbstractContextManager[None]:
    """Let the agent hear what it is asked to measure, where it may."""
    if not loaded[options.GROUP].dirty_rates:
        return contextlib.nullcontext()
    return order_tail.followed(
        bus,
        loaded[bus_options.GROUP].topic_prefix,
        'dirty_rate',
        lambda one: watcher.measure_dirty(one.subject),
    )


def settings(loaded: cfg.ConfigOpts) -> agent.Settings:
    """Return what the agent is to do; ConfigError names the option."""
    options.check(loaded)
    group = loaded[options.GROUP]
    path = group.mapping_file
    prefix = loaded[bus_options.GROUP].topic_prefix
    return agent.Settings(
        host=options.host_name(loaded),
        compute_id=options.compute_id(loaded),
        topic=prefix + topic.SAMPLES,
        config_topic=prefix + topic.HOST_CONFIG if group.tell_config else None,
        schedule=schedule.Settings(
            group.interval_s, group.tick_s, group.survey_s
        ),
        observatory=observatory.Settings(
            hypervisor=hypervisor.Settings(
                uri=group.libvirt_uri,
                read_only=group.libvirt_read_only,
                call_timeout_s=group.libvirt_timeout_s,
                of_machine=group.tell_config,
                dirty_uri=group.libvirt_uri if group.dirty_rates else None,
            ),
            run_dir=options.run_dir(loaded),
            ledger=group.ledger,
            descriptors=_descriptors(),
        ),
        owners=mapping.read(pathlib.Path(path)) if path else None,
    )


@contextlib.contextmanager
def open_store(
    loaded: cfg.ConfigOpts, bus: port.Bus
) -> Iterator[tuple[spool.Spool, Callable[[], vitals.Transport]]]:
    """Open the spool and drain it into the bus from a thread; yield it, and
    what tells from any thread how both fare."""
    path, bounds = bus_options.spool_settings(loaded)
    store = spool.Spool(path, bounds)
    try:
        forwarder = forward.Forwarder(
            store, bus.producer(), bus_options.forward_settings(loaded)
        )
        forwarder.start()
        try:
            yield store, lambda: _transport(store, forwarder, bounds.max_bytes)
        finally:
            forwarder.stop(_STOP_S)
    finally:
        store.close()


def _transport(
    store: spool.Spool, forwarder: forward.Forwarder, limit_bytes: int
) -> vitals.Transport:
    status = forwarder.status()
    return vitals.Transport(
        bus=status.state,
        delivered=status.delivered,
        refused=status.refused,
        dropped=store.dropped,
        in_flight=status.in_flight,
        spooled=store.pending,
        spool_bytes=store.size_bytes,
        spool_limit_bytes=limit_bytes,
    )


def _descriptors() -> int:
    """Raise the limit of open files to what we may; return our part."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(soft // 2, 16384)
