# SPDX-License-Identifier: Apache-2.0
"""A database by its URL: what cannot be is refused, secrets stay secret."""

import pathlib
import traceback

import pytest
import sqlalchemy as sa

from kvm_insight import conf, exception
from kvm_insight.conf import database
from kvm_insight.store import engine, schema, settings

PASSWORD = 'hunter2'


def opened(url: str) -> sa.Engine:
    return engine.connect(settings.Settings(connection=url))


@pytest.mark.parametrize(
    ('url', 'words'),
    [
        (f'user:{PASSWORD}@host', 'is no URL'),
        (f'postgresql://user:{PASSWORD}@host:port/x', 'is no URL'),
        (f'oracle://user:{PASSWORD}@host/x', 'use one of'),
        (f'postgresql+asyncpg://user:{PASSWORD}@host/x', 'use one of'),
        ('sqlite:////dev/null/no/store.db', 'name a file'),
    ],
)
def test_a_url_that_cannot_work_is_refused_with_a_remedy(
    url: str, words: str
) -> None:
    with pytest.raises(exception.ConfigError, match=words) as found:
        opened(url)
    assert PASSWORD not in ''.join(traceback.format_exception(found.value))


@pytest.mark.parametrize('scheme', ['postgresql', 'mysql', 'mariadb'])
def test_a_server_that_is_away_is_said_without_the_password(
    scheme: str,
) -> None:
    made = opened(f'{scheme}://user:{PASSWORD}@127.0.0.1:1/x')
    with pytest.raises(exception.StoreUnavailable) as found:
        schema.check(made)
    assert PASSWORD not in ''.join(traceback.format_exception(found.value))
    assert 'refused' in str(found.value)
    assert PASSWORD not in repr(made)


def test_a_driver_that_is_missing_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr('importlib.util.find_spec', lambda _: None)
    with pytest.raises(exception.ConfigError, match='mariadb'):
        opened('mysql+pymysql://user@host/x')


def test_settings_do_not_show_the_password(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'kvm-insight.conf'
    url = f'postgresql://user:{PASSWORD}@host/x'
    path.write_text(f'[database]\nconnection = {url}\n')
    found = database.settings(conf.load([str(path)]))
    assert found.connection == url
    assert PASSWORD not in repr(found)


def test_a_schema_that_is_not_this_versions_is_refused(
    tmp_path: pathlib.Path,
) -> None:
    made = opened(f'sqlite:///{tmp_path}/new/store.db')
    with pytest.raises(exception.ConfigError, match='db upgrade'):
        schema.check(made)
    schema.upgrade(made)
    schema.check(made)
    assert schema.difference(made) == []
    schema.downgrade(made, '0003')
    with pytest.raises(exception.ConfigError, match=r'0003.*db upgrade'):
        schema.check(made)
    with made.begin() as connection:
        connection.execute(
            sa.text("UPDATE alembic_version SET version_num = '9999'")
        )
    with pytest.raises(exception.ConfigError, match=r'9999.*newer'):
        schema.check(made)


def test_a_reader_of_a_file_does_not_wait_for_its_writer(
    tmp_path: pathlib.Path,
) -> None:
    url = f'sqlite:///{tmp_path}/store.db'
    writer = opened(url)
    schema.upgrade(writer)
    reader = engine.reading(settings.Settings(connection=url))
    with writer.begin() as connection:
        connection.execute(sa.text("INSERT INTO secret VALUES ('a', 'b')"))
        with reader.connect() as other:
            count = other.execute(sa.text('SELECT count(*) FROM secret'))
            assert count.scalar() == 0
