# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL and MariaDB answer what SQLite answers."""

import pathlib
import typing
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa
from database import mariadb, postgresql

from kvm_insight.api import route, routes
from kvm_insight.store import engine, schema, settings
from tests import filling
from tests.functional.api import worlds
from tests.unit.api import conftest as units

pytestmark = [pytest.mark.functional, pytest.mark.timeout(300)]

#: No more rows than one, so that each list has to go on.
FILTERS = [
    'limit=1',
    'state=open',
    'state=silent',
    'enabled=true',
    'gone=false',
    'aggregate=aggregate-1',
    'availability_zone=zone-1',
    'project_id=own-project',
    'host=region/host-0',
    f'instance={filling.uuid(1)}',
    'since=2026-11-01&until=2026-12-01',
    'step=day',
    'subject=other-0',
    'month=2026-11',
]
WORLD = worlds.World(
    (0, 1, 0),
    (
        worlds.Finding(0, True, (100, 20), True, True, True, True, 0),
        worlds.Finding(1, False, (100, 20), True, False, False, True, 1),
        worlds.Finding(2, True, None, False, True, True, False, 1),
    ),
    (1000, 2000, 3000),
    (10, 20, 30),
)


@pytest.fixture(params=[postgresql.Postgresql, mariadb.Mariadb])
def database(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    server = request.param()
    server.up()
    made = None
    try:
        url = server.create('api')
        chosen = settings.Settings(connection=url)
        made = engine.connect(chosen)
        schema.upgrade(made)
        write(made)
        made.dispose()
        made = engine.reading(chosen)
        yield made
    finally:
        if made is not None:
            made.dispose()
        server.wipe()


def write(database: sa.Engine) -> None:
    with database.begin() as store:
        worlds.Writer(store, WORLD, 0).write()


def queries(one: route.Route) -> Iterator[str]:
    """Yield what a list may be asked: each way of sorting, each filter."""
    yield ''
    known = {field.name: field for field in msgspec.structs.fields(one.query)}
    if 'sort_key' in known:
        for key in typing.get_args(known['sort_key'].type):
            for way in ('asc', 'desc'):
                yield f'?sort_key={key}&sort_dir={way}&limit=2'
    for text in FILTERS:
        names = {pair.partition('=')[0] for pair in text.split('&')}
        if names <= set(known):
            yield f'?{text}'


def answers(site: units.Site) -> dict[str, tuple[int, str]]:
    """Return what everybody is answered on each way that only reads."""
    found: dict[str, tuple[int, str]] = {}
    values = {
        '{name+}': 'region/host-0',
        '{uuid}': filling.uuid(1),
        '{id}': 'finding-0',
    }
    for address, methods in routes.ROUTES.items():
        if 'GET' not in methods:
            continue
        for name, value in values.items():
            if 'projects' in address:
                value = worlds.OWN
            address = address.replace(name, value)
        for query in queries(methods['GET']):
            for who in ('operator', 'own'):
                path: str | None = address + query
                for _ in range(5):
                    answer = site.ask(who, str(path))
                    told = units.REQUEST_ID.sub('req', answer.text)
                    found[f'{who} {path}'] = answer.status_code, told
                    links = (answer.json or {}).get('links')
                    if not links:
                        break
                    path = links[0]['href']
    return found


def test_all_kinds_of_database_answer_the_same(
    database: sa.Engine, tmp_path: pathlib.Path
) -> None:
    known = {**units.KNOWN, 'own': units.member(worlds.OWN)}
    told = answers(units.site(database, known))
    with units.store(tmp_path) as plain:
        write(plain)
        expected = answers(units.site(plain, known))
    assert len(expected) > 150
    assert max(status for status, _ in told.values()) < 500
    for path, answer in expected.items():
        assert told.get(path) == answer, path


def test_what_a_database_cannot_take_is_refused(database: sa.Engine) -> None:
    site = units.site(database)
    for path in (
        '/v1/instances?name=%00',
        '/v1/instances/%00',
        '/v1/hosts/%00',
        '/v1/hosts?aggregate=%00',
        '/v1/findings?marker=%00',
        '/v1/findings/%F0%9F%92%A9',
        '/v1/mutes?subject=%F0%9F%92%A9',
        f'/v1/instances?name={"%C3%A4" * 500}',
        '/v1/findings?since=9007199254740991',
        '/v1/hosts/r/hours?since=0&until=9007199254740991',
    ):
        assert site.ask('operator', path).status_code < 500, path
