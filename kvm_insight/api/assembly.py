# SPDX-License-Identifier: Apache-2.0
"""Assembly: the API as the configuration wants it."""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any

import flask
from oslo_config import cfg

from kvm_insight.api import (
    application,
    asking,
    counting,
    identity,
    keystone,
    listening,
    local,
    password,
    policy,
    server,
    session,
)
from kvm_insight.bus import driver, port, publisher, topic
from kvm_insight.conf import api as options
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import database as database_options
from kvm_insight.model import codec, control
from kvm_insight.scrape import page
from kvm_insight.store import engine, schema


@dataclasses.dataclass(frozen=True, slots=True)
class Site:
    """The application, and the whole of it as servers call it."""

    flask: flask.Flask
    wsgi: Any
    #: What Prometheus is shown of it.
    page: page.Page


@contextlib.contextmanager
def opened(conf: cfg.ConfigOpts) -> Iterator[Site]:
    """Give the API; ConfigError says what of it cannot be."""
    name, values = bus_options.driver_settings(conf)
    bus = driver.open_bus(name, values)
    prefix = conf[bus_options.GROUP].topic_prefix
    if name == 'embedded':
        bus.create_topics(topic.layout(prefix, partitions=1))
    with contextlib.ExitStack() as stack:
        stack.callback(bus.close)
        yield made(conf, stack, bus)


def made(
    conf: cfg.ConfigOpts, stack: contextlib.ExitStack, bus: port.Bus
) -> Site:
    """Return the API on a bus that is open; the stack closes the rest."""
    database = engine.reading(database_options.settings(conf))
    stack.callback(database.dispose)
    schema.check(database)
    said = publisher.Publisher(bus, conf[bus_options.GROUP].topic_prefix)
    stack.callback(said.close)
    group = conf[options.GROUP]
    is_local = group.auth == 'local'
    names = frozenset(name.lower() for name in group.names)
    counts = counting.Counting(database, group.silent_s * 1_000_000)
    app = application.create(
        application.Parts(
            database=database,
            authentication=authentication(conf),
            enforcer=policy.enforcer(conf),
            say=_say(said),
            settings=asking.Settings(silent_s=group.silent_s),
            counts=counts,
            names=listening.NAMES | names if is_local else None,
            sign_in=None if is_local else password.signer(conf),
        )
    )
    inner: Any = app if is_local else keystone.guarded(app, conf)
    return Site(app, session.Cookies(inner), counts.page)


def authentication(conf: cfg.ConfigOpts) -> identity.Authentication:
    """Return who says who asks; ConfigError if it could be anybody."""
    group = conf[options.GROUP]
    if group.auth == 'keystone':
        return keystone.Keystone(conf)
    listening.check_address(group.host)
    return local.Local(local.token_of(pathlib.Path(group.token_file)))


def server_settings(conf: cfg.ConfigOpts) -> server.Settings:
    """Return where and how ``kvm-insight-api`` listens."""
    group = conf[options.GROUP]
    return server.Settings(
        host=group.host,
        port=group.port,
        threads=group.threads,
        patience_s=group.patience_s,
        certificate=_path(group.tls_cert_file),
        key=_path(group.tls_key_file),
    )


def _path(text: str | None) -> pathlib.Path | None:
    return pathlib.Path(text) if text else None


def _say(said: publisher.Publisher) -> asking.Say:
    def say(key: str, one: control.Order | None) -> None:
        if one is None:
            said.publish(topic.CONTROL, key, None)
        else:
            value = codec.encode(one)
            said.publish(topic.CONTROL, key, value, control.SCHEMA)

    return say
