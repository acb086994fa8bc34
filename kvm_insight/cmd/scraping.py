# SPDX-License-Identifier: Apache-2.0
"""Opens the port at which Prometheus scrapes a service, if there is one.

What only this needs is loaded only where it is on.
"""

import contextlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from oslo_config import cfg

from kvm_insight.conf import metrics as options
from kvm_insight.model import sample, vitals

if TYPE_CHECKING:
    from kvm_insight.scrape import page

Taker = Callable[[sample.Sample], None]


def _nobody(now: sample.Sample) -> None:
    """Take a sample for nobody."""


@contextlib.contextmanager
def agent(
    loaded: cfg.ConfigOpts, transport: Callable[[], vitals.Transport]
) -> Iterator[Taker]:
    """Yield what wants each sample; raise ListenError without the port."""
    settings = options.settings(loaded, 'agent')
    if settings is None:
        yield _nobody
        return
    from kvm_insight.scrape import agent as exposed_agent

    exposed = exposed_agent.Exposed(transport, settings.series_limit)
    with _serving(settings, 'agent', exposed.points):
        yield exposed.take


@contextlib.contextmanager
def analyzer(
    loaded: cfg.ConfigOpts, read: Callable[[], vitals.Analyzer]
) -> Iterator[None]:
    """Serve what ``read`` returns; raise ListenError without the port."""
    settings = options.settings(loaded, 'analyzer')
    if settings is None:
        yield
        return
    from kvm_insight.scrape import analyzer as exposed

    limit = settings.series_limit
    with _serving(settings, 'analyzer', lambda: exposed.points(read(), limit)):
        yield


@contextlib.contextmanager
def planner(
    loaded: cfg.ConfigOpts, read: Callable[[], vitals.Planner]
) -> Iterator[None]:
    """Serve what ``read`` returns; raise ListenError without the port."""
    settings = options.settings(loaded, 'planner')
    if settings is None:
        yield
        return
    from kvm_insight.scrape import planner as exposed

    with _serving(settings, 'planner', lambda: exposed.points(read())):
        yield


@contextlib.contextmanager
def feeder(
    loaded: cfg.ConfigOpts, read: Callable[[], vitals.Feeder]
) -> Iterator[None]:
    """Serve what ``read`` returns; raise ListenError without the port."""
    settings = options.settings(loaded, 'feed')
    if settings is None:
        yield
        return
    from kvm_insight.scrape import feeder as exposed

    with _serving(settings, 'feed', lambda: exposed.points(read())):
        yield


@contextlib.contextmanager
def api(loaded: cfg.ConfigOpts, made: 'page.Page') -> Iterator[None]:
    """Serve a page without the API's tokens, which Prometheus cannot renew;
    raise ListenError without the port."""
    settings = options.settings(loaded, 'api')
    if settings is None:
        yield
        return
    with _shown(settings, made):
        yield


def _serving(
    settings: options.Settings, service: str, read: 'page.Read'
) -> contextlib.AbstractContextManager[int]:
    from kvm_insight.scrape import page

    version = importlib.metadata.version('kvm-insight')
    return _shown(
        settings, page.Page(page.registry_of(service, version, read))
    )


def _shown(
    settings: options.Settings, made: 'page.Page'
) -> contextlib.AbstractContextManager[int]:
    from kvm_insight.scrape import server

    tls = server.tls_of(*settings.tls) if settings.tls else None
    return server.serving(settings.address, settings.port, made, tls)
