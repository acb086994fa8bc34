# SPDX-License-Identifier: Apache-2.0
"""Where the database is and how it is spoken to; loads no driver."""

import dataclasses
import pathlib

#: The only folder that is made where there is none.
FOLDER = '/var/lib/kvm-insight'
DEFAULT = f'sqlite:///{FOLDER}/store.db'


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What ``engine.connect`` goes by."""

    #: A URL of SQLAlchemy; it may have a password in it.
    connection: str = dataclasses.field(default=DEFAULT, repr=False)
    #: Connections that stay open, and how many more there may be at once.
    pool_size: int = 5
    overflow: int = 10
    #: To get a connection, and for one statement.
    connect_timeout_s: int = 10
    statement_timeout_s: int = 60


def of(folder: pathlib.Path) -> str:
    """Return the URL of the history that a standalone keeps in a folder."""
    return f'sqlite:///{folder.absolute()}/store.db'
