# SPDX-License-Identifier: Apache-2.0
"""A small cloud in a store, and the API before it."""

import contextlib
import dataclasses
import json
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import flask
import pytest
import sqlalchemy as sa
from oslo_config import cfg
from werkzeug import test

from kvm_insight.api import application, asking, identity, policy
from kvm_insight.model import control, entity
from tests import filling

OPERATOR = identity.Identity(
    'op', 'olga', project_id='cloud', roles=('admin', 'reader')
)
WATCHER = identity.Identity('watch', system_scope='all', roles=('reader',))
ALICE = identity.Identity('a', project_id='alpha', roles=('reader',))
BOB = identity.Identity('b', project_id='beta', roles=('member', 'reader'))


class Told:
    """Believes whoever says who it is: tests of who that is are elsewhere."""

    challenge = 'Told'

    def __init__(self, known: dict[str, identity.Identity]) -> None:
        self._known = known

    def identify(self, environ: identity.Environ) -> identity.Identity | None:
        return self._known.get(str(environ.get('HTTP_X_AUTH_TOKEN')))


#: The one thing that differs from answer to answer.
REQUEST_ID = re.compile(r'req-[0-9a-f-]{36}')


def member(project: str) -> identity.Identity:
    return identity.Identity('m', project_id=project, roles=('reader',))


KNOWN = {
    'operator': OPERATOR,
    'watcher': WATCHER,
    'alice': ALICE,
    'bob': BOB,
}


@dataclasses.dataclass
class Site:
    """The API, and what it said on the bus."""

    application: flask.Flask
    said: list[tuple[str, control.Order | None]]

    def ask(
        self, who: str | None, path: str, method: str = 'GET', **more: Any
    ) -> test.TestResponse:
        """Ask as somebody."""
        headers = dict(more.pop('headers', {}))
        if who is not None:
            headers['X-Auth-Token'] = who
        client = self.application.test_client()
        return client.open(path, method=method, headers=headers, **more)

    def get(self, who: str, path: str) -> Any:
        """Return what is answered, which must be well."""
        answer = self.ask(who, path)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.data)


def site(
    database: sa.Engine,
    known: dict[str, identity.Identity] = KNOWN,
    say: asking.Say | None = None,
) -> Site:
    """Return the API; what it says is kept, unless it is said elsewhere."""
    said: list[tuple[str, control.Order | None]] = []
    conf = cfg.ConfigOpts()
    conf([], project='kvm-insight', default_config_files=[])
    made = application.create(
        application.Parts(
            database=database,
            authentication=Told(known),
            enforcer=policy.enforcer(conf),
            say=say or (lambda key, one: said.append((key, one))),
            settings=asking.Settings(silent_s=180),
            clock_us=lambda: filling.NOW_US,
        )
    )
    return Site(made, said)


@contextlib.contextmanager
def store(folder: pathlib.Path) -> Iterator[sa.Engine]:
    """Give an empty store, of which nothing has to outlive the test."""
    made = sa.create_engine(f'sqlite:///{folder}/store.db')

    @sa.event.listens_for(made, 'connect')
    def set_up(connection: Any, _: object) -> None:
        connection.execute('PRAGMA synchronous = OFF')

    filling.empty(made)
    try:
        yield made
    finally:
        made.dispose()


@pytest.fixture
def database(tmp_path: pathlib.Path) -> Iterator[sa.Engine]:
    with store(tmp_path) as made:
        yield made


def fill(database: sa.Engine) -> None:
    """Two hosts; alpha has 1 and 2, beta has 3; 4 is nobody's."""
    with database.begin() as store:
        cloud = filling.Filling(store)
        cloud.host('r/h1')
        cloud.host('r/h2', aggregates=['fast', 'nice "ones"'], cpus=4)
        cloud.host('r/h3', report_us=filling.NOW_US - filling.HOUR_US)
        for number, project, host in (
            (1, 'alpha', 'r/h1'),
            (2, 'alpha', 'r/h2'),
            (3, 'beta', 'r/h1'),
            (4, None, 'r/h1'),
        ):
            cloud.instance(number, project, host)
        one, two, three, four = (
            entity.domain(filling.uuid(number)) for number in (1, 2, 3, 4)
        )
        cloud.finding('f-1', 'r/h1', one, [three, four, 'service:sshd', two])
        cloud.finding('f-2', 'r/h1', three, [one])
        cloud.finding(
            'f-3',
            'r/h2',
            two,
            [],
            verdict='unknown',
            state='closed',
            closed_us=filling.NOW_US - 60_000_000,
            opened_us=filling.NOW_US - 2 * filling.HOUR_US,
        )
        cloud.recommendation('r-1', [(filling.uuid(3), 'r/h1', 'r/h2')])
        cloud.recommendation(
            'r-2', [(filling.uuid(1), 'r/h1', 'r/h3')], state='executed'
        )
        cloud.order(
            control.Order(
                kind='mute',
                about='host',
                subject='r/h2',
                made_us=filling.NOW_US,
            )
        )
        cloud.configuration('c-1', 'r/h1', filling.uuid(1))
        cloud.configuration('c-2', 'r/h1')


@pytest.fixture
def cloud(database: sa.Engine) -> Site:
    """The API of the cloud above."""
    fill(database)
    return site(database)
