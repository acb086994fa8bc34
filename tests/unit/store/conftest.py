# SPDX-License-Identifier: Apache-2.0
"""An empty database."""

import itertools
import pathlib
import shutil
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from kvm_insight.store import engine, schema, settings


@pytest.fixture(scope='session')
def empty(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A file with all tables, made once."""
    path = tmp_path_factory.mktemp('store') / 'empty.db'
    made = engine.connect(settings.Settings(connection=f'sqlite:///{path}'))
    schema.upgrade(made)
    with made.connect() as connection:
        connection.exec_driver_sql('COMMIT')
        connection.exec_driver_sql('PRAGMA journal_mode = DELETE')
        connection.exec_driver_sql('BEGIN')
    made.dispose()
    return path


@pytest.fixture
def make(
    empty: pathlib.Path, tmp_path: pathlib.Path
) -> Iterator[Callable[[], sa.Engine]]:
    """A maker of databases with nothing in them."""
    count = itertools.count()
    engines = []

    def make_one() -> sa.Engine:
        path = tmp_path / f'store-{next(count)}.db'
        shutil.copy(empty, path)
        url = f'sqlite:///{path}'
        new = engine.connect(settings.Settings(connection=url))
        # Nothing here must outlive the machine.
        sa.event.listen(
            new, 'connect', lambda one, _: one.execute('PRAGMA synchronous=0')
        )
        engines.append(new)
        return new

    yield make_one
    for one in engines:
        one.dispose()


@pytest.fixture
def database(make: Callable[[], sa.Engine]) -> sa.Engine:
    return make()
