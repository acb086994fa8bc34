# SPDX-License-Identifier: Apache-2.0
"""Schema: which revision a database has, and how it gets another one.

A service checks and refuses; only ``kvm-insight db`` changes it.
"""

import contextlib
import io
import pathlib
from typing import Any

import alembic.autogenerate
import sqlalchemy as sa
from alembic import command, config, migration, script, util
from sqlalchemy import exc

from kvm_insight import exception
from kvm_insight.store import engine, rollup, table

_FOLDER = pathlib.Path(__file__).with_name('migration')
_WAIT_LOCK = 'kvm_insight_migration'
#: Of a lock that all who migrate the same database take.
_LOCK_NUMBER = 0x6B766D69


def metadata() -> sa.MetaData:
    """Return all tables as this version has them."""
    assert rollup.HOST_HOUR.metadata is table.METADATA
    return table.METADATA


def head() -> str:
    """Return the revision that this version needs."""
    found = script.ScriptDirectory.from_config(_config()).get_current_head()
    assert found is not None
    return found


def current(database: sa.Engine) -> str | None:
    """Return the database's revision; None where nothing was ever made."""
    with _told(), database.connect() as connection:
        return _context(connection).get_current_revision()


def check(database: sa.Engine) -> None:
    """Return if this version may use it; SchemaError says what to do."""
    found, needed = current(database), head()
    if found == needed:
        return
    if found is None:
        raise exception.SchemaError(
            'the database has no tables yet: run kvm-insight db upgrade'
        )
    if found in _known():
        raise exception.SchemaError(
            f'the database has revision {found}, this version needs'
            f' {needed}: run kvm-insight db upgrade'
        )
    raise exception.SchemaError(
        f'the database has revision {found}, which is newer than this'
        f' version ({needed}): install the version that upgraded it, or'
        ' let that one run kvm-insight db downgrade'
    )


def upgrade(database: sa.Engine, revision: str = 'head') -> None:
    """Bring it to a revision, this version's by default."""
    _change(database, command.upgrade, revision)


def downgrade(database: sa.Engine, revision: str) -> None:
    """Bring it back to an older one; ``base`` is no tables at all."""
    _change(database, command.downgrade, revision)


def difference(database: sa.Engine) -> list[Any]:
    """Return what would have to change for the tables to be as in the
    code; nothing where they are."""
    with _told(), database.connect() as connection:
        return list(
            alembic.autogenerate.compare_metadata(
                _context(connection), metadata()
            )
        )


def run(context: Any) -> None:
    """Run what alembic was asked for on the connection it was given."""
    connection = context.config.attributes['connection']
    context.configure(
        connection=connection,
        target_metadata=metadata(),
        compare_type=_differ,
        render_as_batch=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _change(database: sa.Engine, change: Any, revision: str) -> None:
    chosen = _config()
    with _told(), database.connect() as connection:
        _lock(connection)
        _check_keys(connection, 'OFF')
        chosen.attributes['connection'] = connection
        try:
            change(chosen, revision)
        except util.CommandError as why:
            raise exception.ConfigError(
                f'{why}; the revisions are {", ".join(_known())}'
            ) from why
        finally:
            # Whatever the migration ended as; MariaDB has its lock still.
            connection.rollback()
            _check_keys(connection, 'ON')
            _unlock(connection)
    if database.dialect.name == 'postgresql':
        _analyze(database)


def _lock(connection: sa.Connection) -> None:
    """Let two who upgrade at once do so one after the other."""
    kind = connection.dialect.name
    if kind == 'postgresql':
        connection.execute(
            sa.text('SELECT pg_advisory_lock(:number)'),
            {'number': _LOCK_NUMBER},
        )
    elif kind == 'mysql':
        connection.execute(
            sa.text('SELECT GET_LOCK(:name, 600)'), {'name': _WAIT_LOCK}
        )
    connection.commit()


def _check_keys(connection: sa.Connection, word: str) -> None:
    """Let SQLite make a table anew to which others lead; it takes no notice
    of this within a transaction."""
    if connection.dialect.name == 'sqlite':
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.cursor().execute(f'PRAGMA foreign_keys = {word}')


def _unlock(connection: sa.Connection) -> None:
    kind = connection.dialect.name
    with contextlib.suppress(exc.SQLAlchemyError):
        if kind == 'postgresql':
            connection.execute(sa.text('SELECT pg_advisory_unlock_all()'))
        elif kind == 'mysql':
            connection.execute(sa.text('SELECT RELEASE_ALL_LOCKS()'))
        connection.commit()


def _analyze(database: sa.Engine) -> None:
    """Tell the planner of queries what there is now."""
    with database.connect() as connection:
        free = connection.execution_options(isolation_level='AUTOCOMMIT')
        there = set(sa.inspect(free).get_table_names())
        for name in sorted(there & set(metadata().tables)):
            free.execute(sa.text(f'ANALYZE "{name}"'))


def _config() -> config.Config:
    made = config.Config(stdout=io.StringIO())
    made.set_main_option('script_location', str(_FOLDER).replace('%', '%%'))
    made.set_main_option('path_separator', 'os')
    return made


def _known() -> list[str]:
    """Return all revisions, the oldest first."""
    walk = script.ScriptDirectory.from_config(_config()).walk_revisions()
    return [one.revision for one in walk][::-1]


def _context(connection: sa.Connection) -> migration.MigrationContext:
    return migration.MigrationContext.configure(
        connection, opts={'compare_type': _differ}
    )


def _differ(
    context: Any, inspected: Any, column: Any, found: Any, wanted: Any
) -> bool | None:
    """Say whether a column's type is another; None lets alembic decide.

    MariaDB makes of a BLOB and its length one of four types, and of JSON a
    LONGTEXT.
    """
    if context.dialect.name != 'mysql':
        return None
    if isinstance(wanted, sa.LargeBinary):
        return not isinstance(found, sa.types._Binary)
    if isinstance(wanted, sa.JSON):
        return not isinstance(found, sa.String | sa.JSON)
    return None


@contextlib.contextmanager
def _told() -> Any:
    """Say of what goes wrong what the database says."""
    try:
        yield
    except exc.SQLAlchemyError as why:
        raise exception.StoreUnavailable(
            f'database: {engine.words(why)}'
        ) from None
