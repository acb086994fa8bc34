# SPDX-License-Identifier: Apache-2.0
"""A database by its URL, set up so that all three kinds behave alike.

No error from here has a password in it: what SQLAlchemy says of a URL or a
statement is never handed on, only what the database's driver says.
"""

import importlib.util
import os
import pathlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from kvm_insight import exception
from kvm_insight.store import settings as store_settings

#: Driver -> what to install for it.
_DRIVERS = {
    'sqlite+pysqlite': ('sqlite3', 'python3 with sqlite3'),
    'postgresql+psycopg': ('psycopg', 'kvm-insight[postgresql]'),
    'mysql+pymysql': ('pymysql', 'kvm-insight[mariadb]'),
}
_SAME = {
    'sqlite': 'sqlite+pysqlite',
    'postgresql': 'postgresql+psycopg',
    'postgres': 'postgresql+psycopg',
    'mysql': 'mysql+pymysql',
    'mariadb': 'mysql+pymysql',
    'mariadb+pymysql': 'mysql+pymysql',
}
#: Connections are made anew before a firewall forgets them.
_RECYCLE_S = 1800
_OPTION = '[database] connection'


def connect(
    settings: store_settings.Settings, *, new: bool = True
) -> sa.Engine:
    """Return the engine, without connecting; ConfigError for a bad URL.

    On SQLite a transaction locks the file for writing from its begin on; what
    only reads is ``reading``'s. A file that is not there is made if ``new``,
    else it is a SchemaError.
    """
    return _engine(settings, 'BEGIN IMMEDIATE', new=new)


def reading(settings: store_settings.Settings) -> sa.Engine:
    """Return an engine for those who only read: nobody waits for them, and
    they make no file."""
    return _engine(settings, 'BEGIN', new=False)


def _engine(
    settings: store_settings.Settings, begin: str, *, new: bool
) -> sa.Engine:
    url = _url(settings.connection)
    if url.get_backend_name() == 'sqlite':
        if url.database and not url.database.startswith((':', 'file:')):
            _find(pathlib.Path(url.database), new=new)
        return _sqlite(url, settings, begin)
    arguments, isolation = _arguments(url, settings)
    made = sa.create_engine(
        url,
        connect_args=arguments,
        isolation_level=isolation,
        pool_size=settings.pool_size,
        max_overflow=settings.overflow,
        pool_timeout=settings.connect_timeout_s,
        pool_recycle=_RECYCLE_S,
        pool_pre_ping=True,
        hide_parameters=True,
    )
    if url.get_backend_name() == 'mysql':
        _tell_apart(made)
    return made


def _url(text: str) -> sa.URL:
    """Return the URL with its driver; ConfigError without its password."""
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError):
        # Its words have the whole text in them.
        raise exception.ConfigError(
            f'{_OPTION} is no URL: write it as'
            ' postgresql+psycopg://user:password@host/name, a special'
            ' character of the password as %XX'
        ) from None
    driver = _SAME.get(url.drivername, url.drivername)
    if driver not in _DRIVERS:
        raise exception.ConfigError(
            f'{_OPTION} begins with {url.drivername}: use one of'
            f' {", ".join(sorted(_DRIVERS))}'
        )
    module, what = _DRIVERS[driver]
    if importlib.util.find_spec(module) is None:
        raise exception.ConfigError(
            f'{_OPTION} needs {module}, which is not installed: pip install'
            f' "{what}"'
        )
    return url.set(drivername=driver)


def _arguments(
    url: sa.URL, settings: store_settings.Settings
) -> tuple[dict[str, Any], Any]:
    """Return what the driver is told, and how transactions see others."""
    wait_s = settings.statement_timeout_s
    if url.get_backend_name() == 'postgresql':
        return {
            'connect_timeout': settings.connect_timeout_s,
            'application_name': 'kvm-insight',
            'options': f'-c statement_timeout={wait_s * 1000}'
            ' -c idle_in_transaction_session_timeout=300000'
            ' -c timezone=UTC',
        }, 'READ COMMITTED'
    return {
        'charset': 'utf8mb4',
        'connect_timeout': settings.connect_timeout_s,
        'read_timeout': wait_s,
        'write_timeout': wait_s,
        # Without it what is too long is cut, and a wrong number becomes 0.
        'sql_mode': 'TRADITIONAL',
        'init_command': 'SET SESSION innodb_lock_wait_timeout = 10',
    }, 'READ COMMITTED'


def _tell_apart(made: sa.Engine) -> None:
    """Refuse MySQL, for which nothing here was ever tried."""

    @sa.event.listens_for(made, 'engine_connect')
    def check(connection: sa.Connection) -> None:
        if not getattr(connection.dialect, 'is_mariadb', True):
            raise exception.ConfigError(
                f'{_OPTION} leads to MySQL: use MariaDB 10.6 or newer, or'
                ' PostgreSQL'
            )


def _sqlite(
    url: sa.URL, settings: store_settings.Settings, begin: str
) -> sa.Engine:
    made = sa.create_engine(
        url,
        connect_args={'timeout': settings.connect_timeout_s},
        hide_parameters=True,
    )

    @sa.event.listens_for(made, 'connect')
    def set_up(connection: Any, _: object) -> None:
        # Transactions are begun below; the driver's own begin too late.
        connection.isolation_level = None
        for words in ('journal_mode = WAL', 'synchronous = FULL'):
            connection.execute(f'PRAGMA {words}')
        connection.execute('PRAGMA foreign_keys = ON')

    @sa.event.listens_for(made, 'begin')
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return made


def _find(path: pathlib.Path, *, new: bool) -> None:
    """Return if the file is there; SQLite would make an empty one, which
    everybody may read."""
    try:
        if path.exists():
            return
        if not new:
            raise exception.SchemaError(
                f'there is no database at {path.absolute()}: run kvm-insight'
                f' db upgrade, or set {_OPTION}'
            )
        if str(path.parent) == store_settings.FOLDER:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except FileNotFoundError as why:
        raise exception.ConfigError(
            f'{_OPTION}: there is no folder {path.parent}: make it, or name a'
            ' file in another one'
        ) from why
    except OSError as why:
        raise exception.ConfigError(
            f'{_OPTION}: {path}: {why.strerror}; name a file that the service'
            ' may write'
        ) from why


def words(why: exc.SQLAlchemyError) -> str:
    """Return what the driver says, in one line and without a statement."""
    told = getattr(why, 'orig', None)
    text = str(told) if told is not None else type(why).__name__
    return ' '.join(text.split())[:300]
