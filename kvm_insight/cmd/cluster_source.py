# SPDX-License-Identifier: Apache-2.0
"""Where the planner has the cluster from: a file, OpenStack, or the hosts."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterator

from oslo_config import cfg

from kvm_insight import exception, planner
from kvm_insight.bus import port
from kvm_insight.cloud import settings as cloud_settings
from kvm_insight.cmd import cluster_file, host_source
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import cloud as cloud_options
from kvm_insight.conf import plain as plain_options
from kvm_insight.conf import planner as options
from kvm_insight.plain import settings as plain_settings
from kvm_insight.recommend import confirmation


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What a planner asks."""

    read: planner.Reader
    confirm: confirmation.Confirm | None = None


Opener = Callable[[port.Bus], contextlib.AbstractContextManager[Source]]


def of(loaded: cfg.ConfigOpts) -> Opener | None:
    """Return what opens the source that is configured, None where nothing
    is; ConfigError where it cannot be."""
    name = options.source(loaded)
    if name == 'hosts':
        prefix = loaded[bus_options.GROUP].topic_prefix
        rules = plain_options.settings(loaded)
        return lambda bus: _followed(bus, prefix, rules)
    if name == 'file':
        path = loaded[options.GROUP].cluster_file
        file = cluster_file.ClusterFile(pathlib.Path(path))
        return lambda _: contextlib.nullcontext(Source(file.read))
    cloud = cloud_options.settings(loaded)
    return None if cloud is None else lambda _: _watched(cloud)


def needed(loaded: cfg.ConfigOpts) -> Opener:
    """Return it; ConfigError where nothing is configured."""
    found = of(loaded)
    if found is None:
        raise exception.ConfigError(
            f'neither [{options.GROUP}] cluster_file nor [cloud] cloud or'
            f' auth_url is set, and [{options.GROUP}] source is not hosts:'
            ' nothing tells which hosts there are'
        )
    return found


@contextlib.contextmanager
def _followed(
    bus: port.Bus, prefix: str, rules: plain_settings.Settings
) -> Iterator[Source]:
    """Follow the hosts as long as the context lasts."""
    with host_source.opened(bus, prefix, rules) as found:
        yield Source(found.read, found.confirm)


@contextlib.contextmanager
def _watched(asked: cloud_settings.Settings) -> Iterator[Source]:
    """Read OpenStack as long as the context lasts."""
    try:
        # Who has no cloud has no openstacksdk.
        from kvm_insight.cloud import watch
    except ImportError as why:
        raise exception.ConfigError(
            f'[{cloud_options.GROUP}]: {why.name} is not installed: pip'
            " install 'kvm-insight[cloud]'"
        ) from why
    with watch.Watch(asked) as found:
        yield Source(
            found.read,
            lambda hosts: found.confirm(hosts, asked.confirm_s),
        )
