# SPDX-License-Identifier: Apache-2.0
"""The API with its dashboard on a real socket, store and bus."""

import contextlib
import dataclasses
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from oslo_config import cfg

from kvm_insight.api import (
    application,
    asking,
    identity,
    listening,
    password,
    policy,
    server,
    session,
)
from kvm_insight.bus import embedded, port, publisher, topic
from kvm_insight.model import codec, control
from kvm_insight.store import engine, settings

#: As long as tokens are; each is of one who may do something else.
TOKENS = {
    'operator': 'operator-token-of-the-dashboard-0001',
    'watcher': 'watcher-token-of-the-dashboard-00001',
    'alice': 'alice-token-of-the-dashboard-0000001',
}
_WHO = {
    'operator': identity.Identity(
        'op', 'olga', project_id='cloud', roles=('admin', 'reader')
    ),
    'watcher': identity.Identity(
        'watch', 'walter', system_scope='all', roles=('reader',)
    ),
    'alice': identity.Identity(
        'a', 'alice', project_id='alpha', roles=('reader',)
    ),
}


class Known:
    """Believes these tokens; those of real clouds are tested elsewhere."""

    challenge = 'Known'

    def identify(self, environ: identity.Environ) -> identity.Identity | None:
        """Return whose token it is."""
        token = environ.get('HTTP_X_AUTH_TOKEN')
        for who, known in TOKENS.items():
            if token == known:
                return _WHO[who]
        return None


@dataclasses.dataclass(frozen=True)
class Site:
    """What is served, and what is behind it."""

    url: str
    database: sa.Engine
    bus: port.Bus

    def said(self) -> list[tuple[str | None, control.Order | None]]:
        """Return all that lies on ``control``."""
        name = topic.PREFIX + topic.CONTROL
        reader = self.bus.consumer([name])
        try:
            found = reader.poll(timeout_s=2.0)
        finally:
            reader.close()
        return [(one.key, _order(one.value)) for one in found]


def _order(value: bytes | None) -> control.Order | None:
    return None if value is None else codec.decode(value, control.Order)


@contextlib.contextmanager
def serving(
    folder: pathlib.Path,
    fill: Callable[[sa.Engine], None],
    now_us: int,
    url: str = '',
    port_number: int = 0,
    sign_in: password.SignIn | None = None,
) -> Iterator[Site]:
    """Give a site over a store that is filled: SQLite's in the folder, or
    that of a URL; of ``now_us`` it thinks that it is now."""
    kept = settings.Settings(connection=url or f'sqlite:///{folder}/store.db')
    database = engine.connect(kept)
    reading = engine.reading(kept)
    bus = embedded.connect({'path': str(folder / 'bus.db')})
    bus.create_topics(topic.layout(partitions=1))
    said = publisher.Publisher(bus, topic.PREFIX)
    fill(database)
    made = server.Server(
        session.Cookies(_application(reading, said, now_us, sign_in)),
        server.Settings(port=port_number, threads=4),
    )
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        yield Site(f'http://127.0.0.1:{made.port}', database, bus)
    finally:
        stop.set()
        thread.join(20)
        said.close()
        bus.close()
        reading.dispose()
        database.dispose()
    assert not thread.is_alive()


def _application(
    database: sa.Engine,
    said: publisher.Publisher,
    now_us: int,
    sign_in: password.SignIn | None,
) -> Any:
    def say(key: str, one: control.Order | None) -> None:
        value = None if one is None else codec.encode(one)
        said.publish(topic.CONTROL, key, value, control.SCHEMA)

    conf = cfg.ConfigOpts()
    conf([], project='kvm-insight', default_config_files=[])
    return application.create(
        application.Parts(
            database=database,
            authentication=Known(),
            enforcer=policy.enforcer(conf),
            say=say,
            settings=asking.Settings(),
            names=listening.NAMES,
            sign_in=sign_in,
            clock_us=lambda: now_us,
        )
    )
