# SPDX-License-Identifier: Apache-2.0
"""Registry: opens feeds by their names."""

from collections.abc import Iterable
from importlib import metadata
from typing import cast

from stevedore import driver

from kvm_insight import exception
from kvm_insight.feed import port

NAMESPACE = 'kvm_insight.feeds'


def names() -> list[str]:
    """Return the feeds that are installed."""
    # Not by stevedore, which loads them: one that cannot be loaded here may
    # still be silenced elsewhere.
    return sorted(metadata.entry_points(group=NAMESPACE).names)


def load(
    wanted: Iterable[str],
    settings: port.Settings,
    publish: port.Publish,
    runs_in: str | None = None,
) -> dict[str, port.Feed]:
    """Return the feeds, of one service alone or all; raise ConfigError, with
    the feed's name, for one that cannot be."""
    found = {}
    for name in wanted:
        factory = _factory(name)
        if runs_in in (None, getattr(factory, 'runs_in', 'planner')):
            found[name] = _made(name, factory, settings, publish)
    return found


def _made(
    name: str,
    factory: port.Factory,
    settings: port.Settings,
    publish: port.Publish,
) -> port.Feed:
    try:
        return factory(settings, publish)
    except ImportError as why:
        # Some load what speaks to OpenStack only when they are to use it.
        raise _missing(name, why) from why


def _factory(name: str) -> port.Factory:
    def tell(manager: object, point: object, why: BaseException) -> None:
        if isinstance(why, ImportError):
            raise _missing(name, why) from why
        raise exception.ConfigError(
            f'[feed] active: {name} cannot be loaded: {why}'
        ) from why

    if name not in names():
        raise exception.ConfigError(
            f'[feed] active: there is no {name}; there are'
            f' {", ".join(names())} (entry points {NAMESPACE})'
        )
    found: driver.DriverManager[object] = driver.DriverManager(
        NAMESPACE, name, on_load_failure_callback=tell
    )
    return cast(port.Factory, found.driver)


def _missing(name: str, why: ImportError) -> exception.ConfigError:
    return exception.ConfigError(
        f'[feed] {name}: {why.name} is not installed; for OpenStack: pip'
        " install 'kvm-insight[cloud]'"
    )
