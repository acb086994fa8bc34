# SPDX-License-Identifier: Apache-2.0
"""Opens a bus by the name of its driver."""

from collections.abc import Mapping
from typing import cast

from stevedore import driver
from stevedore import exception as stevedore_exception

from kvm_insight import exception
from kvm_insight.bus import port

NAMESPACE = 'kvm_insight.bus'


def open_bus(name: str, settings: Mapping[str, object]) -> port.Bus:
    """Return the bus; raise ConfigError, with the driver's name, if not."""
    try:
        found: driver.DriverManager[object] = driver.DriverManager(
            NAMESPACE,
            name,
            on_load_failure_callback=_tell,
        )
    except (stevedore_exception.NoMatches, ImportError) as why:
        raise exception.ConfigError(
            f'[bus] driver = {name}: cannot be loaded ({why}); choose one '
            f'that is installed as an entry point {NAMESPACE}'
        ) from why
    return cast(port.Driver, found.driver)(settings)


def _tell(manager: object, entry_point: object, why: BaseException) -> None:
    raise exception.ConfigError(
        f'[bus] driver: the plugin {entry_point} cannot be loaded: {why}'
    ) from why
