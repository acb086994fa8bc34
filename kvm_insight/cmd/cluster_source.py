# SPDX-License-Identifier: Apache-2.0
"""Where the planner has the cluster from: a file, or OpenStack."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator

from oslo_config import cfg

from kvm_insight import exception, planner
from kvm_insight.cloud import settings as cloud_settings
from kvm_insight.cmd import cluster_file
from kvm_insight.conf import cloud as cloud_options
from kvm_insight.conf import planner as options
from kvm_insight.recommend import confirmation


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What a planner asks."""

    read: planner.Reader
    confirm: confirmation.Confirm | None = None


def of(
    loaded: cfg.ConfigOpts,
) -> contextlib.AbstractContextManager[Source] | None:
    """Return what is configured, None where nothing is; ConfigError where
    both are, or one of them cannot be."""
    path = loaded[options.GROUP].cluster_file
    cloud = cloud_options.settings(loaded)
    if path is not None and cloud is not None:
        raise exception.ConfigError(
            f'[{options.GROUP}] cluster_file and [{cloud_options.GROUP}] are'
            ' both set: one of them must tell which hosts there are'
        )
    if path is not None:
        file = cluster_file.ClusterFile(pathlib.Path(path))
        return contextlib.nullcontext(Source(file.read))
    return None if cloud is None else _watched(cloud)


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
