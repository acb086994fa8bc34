# SPDX-License-Identifier: Apache-2.0
"""Opens the feeds that the configuration names."""

import contextlib
import time
from collections.abc import Iterable, Iterator

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.bus import port, publisher
from kvm_insight.cmd import cluster_source
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import cloud as cloud_options
from kvm_insight.conf import feed as options
from kvm_insight.conf import planner as planner_options
from kvm_insight.feed import crew, registry
from kvm_insight.feed import port as feed_port
from kvm_insight.model import cluster
from kvm_insight.recommend import confirmation

_PATIENT_S = 60.0
_AGAIN_S = 1.0


@contextlib.contextmanager
def opened(
    loaded: cfg.ConfigOpts,
    bus: port.Bus,
    names: Iterable[str],
    runs_in: str | None = None,
    source: cluster_source.Source | None = None,
) -> Iterator[dict[str, feed_port.Feed]]:
    """Yield the feeds with these names; ConfigError for one that cannot be.

    ``runs_in`` leaves those of another service out; a source that is open
    already serves whoever must read the cluster, else one is opened when it
    is needed.
    """
    out = publisher.Publisher(bus, loaded[bus_options.GROUP].topic_prefix)
    feeds: dict[str, feed_port.Feed] = {}
    try:
        settings = options.feed_settings(loaded)
        settings['cloud'] = cloud_options.settings(loaded)
        settings['limits'] = planner_options.limits(loaded)
        settings['confirm'] = lambda: _rechecking(loaded, bus, source)
        settings['start_events'] = _start_events
        feeds = registry.load(names, settings, out.publish, runs_in)
        yield feeds
    finally:
        for one in feeds.values():
            one.close()
        out.close()


@contextlib.contextmanager
def crew_of(
    loaded: cfg.ConfigOpts, bus: port.Bus, source: cluster_source.Source
) -> Iterator[crew.Crew]:
    """Yield the planner's feeds, each in a thread of its own."""
    names = loaded[options.GROUP].active
    with opened(loaded, bus, names, 'planner', source) as feeds:
        made = crew.Crew(feeds)
        try:
            yield made
        finally:
            made.close()


@contextlib.contextmanager
def _rechecking(
    loaded: cfg.ConfigOpts,
    bus: port.Bus,
    source: cluster_source.Source | None,
) -> Iterator[confirmation.Confirm]:
    """Yield the way by which the cluster is read once more."""
    if source is not None:
        yield _patient(source)
        return
    with cluster_source.needed(loaded)(bus) as found:
        yield _patient(found)


def _patient(source: cluster_source.Source) -> confirmation.Confirm:
    """Return what waits longer than a planner may: a cloud that is read for
    the first time takes up to a minute."""
    confirm = source.confirm
    if confirm is None:
        return lambda _: source.read()

    def confirmed(hosts: frozenset[str]) -> cluster.Cluster:
        until = time.monotonic() + _PATIENT_S
        while True:
            try:
                return confirm(hosts)
            except exception.CloudUnavailable:
                if time.monotonic() >= until:
                    raise
            time.sleep(_AGAIN_S)

    return confirmed


def _start_events() -> None:
    """Let libvirt's connections notice that the other side is gone."""
    from kvm_insight.observe import eventloop

    eventloop.start()
