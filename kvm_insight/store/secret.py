# SPDX-License-Identifier: Apache-2.0
"""Secret: keys that all copies of the API share and nobody is shown.

The one thing that another than the recorder writes: a key is made by whoever
needs it first.
"""

import secrets

import sqlalchemy as sa
from sqlalchemy import exc

from kvm_insight.store import table

_BYTES = 32


def key(database: sa.Engine, name: str) -> bytes:
    """Return the key of this name; make it if there is none."""
    found = _read(database, name)
    if found is not None:
        return found
    made = secrets.token_bytes(_BYTES)
    try:
        with database.begin() as store:
            store.execute(
                sa.insert(table.SECRET).values(name=name, value=made)
            )
    except exc.IntegrityError:
        # Another one was faster; its key counts.
        found = _read(database, name)
        assert found is not None
        return found
    return made


def _read(database: sa.Engine, name: str) -> bytes | None:
    query = sa.select(table.SECRET.c.value).where(table.SECRET.c.name == name)
    with database.connect() as store:
        value = store.execute(query).scalar()
    return None if value is None else bytes(value)
