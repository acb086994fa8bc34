# SPDX-License-Identifier: Apache-2.0
"""How one machine's own API and dashboard are brought up beside the rest."""

import contextlib
import dataclasses
import importlib.util
import typing
from collections.abc import Iterator

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.conf import api as options

if typing.TYPE_CHECKING:
    from kvm_insight.api import server
    from kvm_insight.bus import port

_NEEDED = ('flask', 'hypercorn', 'oslo_policy', 'sqlalchemy', 'alembic')


def is_installed() -> bool:
    """Say whether the extra is there."""
    return all(importlib.util.find_spec(one) for one in _NEEDED)


@contextlib.contextmanager
def answering(
    loaded: cfg.ConfigOpts, bus: 'port.Bus'
) -> 'Iterator[server.Server]':
    """Yield a server that listens; the tables must be there already.

    Where something has the port that nobody asked for, it takes another.
    """
    from kvm_insight.api import assembly, server

    settings = assembly.server_settings(loaded)
    with contextlib.ExitStack() as stack:
        site = assembly.made(loaded, stack, bus)
        try:
            made = server.Server(site.wsgi, settings)
        except exception.ConfigError:
            if settings.port != options.PORT:
                raise
            free = dataclasses.replace(settings, port=0)
            made = server.Server(site.wsgi, free)
        stack.callback(made.close)
        yield made
