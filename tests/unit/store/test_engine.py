# SPDX-License-Identifier: Apache-2.0
"""A database by its URL: what cannot be is refused, secrets stay secret."""

import pathlib
import re
import stat
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
    made = opened(f'sqlite:///{tmp_path}/store.db')
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


@pytest.mark.parametrize('name', ['no.db', 'no/where/no.db'])
def test_whoever_makes_no_tables_makes_no_file(
    tmp_path: pathlib.Path, name: str
) -> None:
    path = tmp_path / name
    where = settings.Settings(connection=f'sqlite:///{path}')
    with pytest.raises(exception.SchemaError, match=re.escape(str(path))):
        engine.reading(where)
    with pytest.raises(exception.SchemaError, match=re.escape(str(path))):
        engine.connect(where, new=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named_and_not_made(
    tmp_path: pathlib.Path,
) -> None:
    folder = tmp_path / 'typo' / 'dir'
    with pytest.raises(exception.ConfigError, match=f'no folder {folder}:'):
        opened(f'sqlite:///{folder}/store.db')
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_the_default_is_made_for_its_owner_alone(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'lib' / 'kvm-insight'
    monkeypatch.setattr(settings, 'FOLDER', str(folder))
    made = opened(f'sqlite:///{folder}/store.db')
    schema.upgrade(made)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with made.begin():
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in folder.iterdir()
        }
    assert modes == dict.fromkeys(
        ('store.db', 'store.db-wal', 'store.db-shm'), 0o600
    )


def test_a_file_that_is_there_keeps_its_mode(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'store.db'
    path.touch()
    path.chmod(0o644)
    schema.upgrade(opened(f'sqlite:///{path}'))
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
