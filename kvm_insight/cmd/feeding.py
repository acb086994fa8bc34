# SPDX-License-Identifier: Apache-2.0
"""Opens the feeds that the configuration names."""

import contextlib
from collections.abc import Iterable, Iterator

from oslo_config import cfg

from kvm_insight.bus import port, publisher
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import cloud as cloud_options
from kvm_insight.conf import feed as options
from kvm_insight.feed import crew, registry
from kvm_insight.feed import port as feed_port


@contextlib.contextmanager
def opened(
    loaded: cfg.ConfigOpts,
    bus: port.Bus,
    names: Iterable[str],
    runs_in: str | None = None,
) -> Iterator[dict[str, feed_port.Feed]]:
    """Yield the feeds with these names; ConfigError for one that cannot be.

    ``runs_in`` leaves those of another service out.
    """
    out = publisher.Publisher(bus, loaded[bus_options.GROUP].topic_prefix)
    feeds: dict[str, feed_port.Feed] = {}
    try:
        settings = options.feed_settings(loaded)
        settings['cloud'] = cloud_options.settings(loaded)
        feeds = registry.load(names, settings, out.publish, runs_in)
        yield feeds
    finally:
        for one in feeds.values():
            one.close()
        out.close()


@contextlib.contextmanager
def crew_of(loaded: cfg.ConfigOpts, bus: port.Bus) -> Iterator[crew.Crew]:
    """Yield the planner's feeds, each in a thread of its own."""
    names = loaded[options.GROUP].active
    with opened(loaded, bus, names, 'planner') as feeds:
        made = crew.Crew(feeds)
        try:
            yield made
        finally:
            made.close()
