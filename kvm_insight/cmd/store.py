# SPDX-License-Identifier: Apache-2.0
"""How commands open the database; what it needs is loaded only for that."""

import argparse
import contextlib
import dataclasses
import importlib.util
import pathlib
import typing
from collections.abc import Iterator

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.conf import database as options
from kvm_insight.conf import recorder as recorder_options
from kvm_insight.store import settings

if typing.TYPE_CHECKING:
    import sqlalchemy as sa

    from kvm_insight import recorder
    from kvm_insight.bus import port
    from kvm_insight.store.write import book

_NEEDED = ('sqlalchemy', 'alembic')
#: A change of tables takes as long as it takes.
_DAY_S = 24 * 3600


def is_installed() -> bool:
    """Say whether the extra is there."""
    return all(importlib.util.find_spec(one) for one in _NEEDED)


def need() -> None:
    """Return if the extra is there; ConfigError says what to install."""
    if not is_installed():
        raise exception.ConfigError(
            'the store needs SQLAlchemy and alembic: pip install'
            ' "kvm-insight[store]"'
        )


def add_state(parser: argparse.ArgumentParser) -> None:
    """Let the command be told where a standalone keeps its history."""
    parser.add_argument(
        '--state',
        type=pathlib.Path,
        metavar='FOLDER',
        help='the database of a standalone that keeps its state there',
    )


def choose(loaded: cfg.ConfigOpts, folder: pathlib.Path | None) -> None:
    """Let a standalone's folder, if there is one, have the database."""
    if folder is None:
        return
    if options.settings(loaded).connection != settings.DEFAULT:
        raise exception.ConfigError(
            f'--state {folder}: [database] connection names another database;'
            ' leave one of them out'
        )
    loaded.set_override('connection', settings.of(folder), options.GROUP)


@contextlib.contextmanager
def database(
    loaded: cfg.ConfigOpts, *, patient: bool = False, new: bool = False
) -> 'Iterator[sa.Engine]':
    """Yield the engine; a patient one waits for a statement for a day, a new
    one makes the file that SQLite needs."""
    need()
    from kvm_insight.store import engine

    asked = options.settings(loaded)
    if patient:
        asked = dataclasses.replace(asked, statement_timeout_s=_DAY_S)
    made = engine.connect(asked, new=new)
    try:
        yield made
    finally:
        made.dispose()


@contextlib.contextmanager
def opened(loaded: cfg.ConfigOpts) -> 'Iterator[book.Book]':
    """Yield what the recorder writes into."""
    with database(loaded) as made:
        from kvm_insight.store.write import book

        yield book.Book(made)


@contextlib.contextmanager
def recording(
    loaded: cfg.ConfigOpts, bus: 'port.Bus'
) -> 'Iterator[recorder.Recorder]':
    """Yield the recorder of a machine of its own, whose file of history has
    the tables of this version from the beginning."""
    asked = recorder_options.settings(loaded)
    with database(loaded, new=True) as made:
        from kvm_insight import recorder
        from kvm_insight.store import schema
        from kvm_insight.store.write import book

        if made.dialect.name == 'sqlite':
            schema.upgrade(made)
        yield recorder.Recorder(bus, book.Book(made), asked)
