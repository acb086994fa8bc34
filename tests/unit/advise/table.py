# SPDX-License-Identifier: Apache-2.0
"""All rows of all tables: each module in the rooms beside it has ROWS."""

import importlib
import pkgutil
from typing import Any

from . import domain, fleet, host, instance
from .case import DomainRow, HostRow
from .past import FleetRow, InstanceRow


def _rows(package: Any) -> list[Any]:
    found = []
    for one in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f'{package.__name__}.{one.name}')
        found += list(module.ROWS)
    return found


HOST: list[HostRow] = _rows(host)
DOMAIN: list[DomainRow] = _rows(domain)
INSTANCE: list[InstanceRow] = _rows(instance)
FLEET: list[FleetRow] = _rows(fleet)


def names(rows: list[Any]) -> list[str]:
    """Return what pytest calls each row."""
    return [
        f'{one.check}-{one.outcome.__name__}-{number}'
        for number, one in enumerate(rows)
    ]
