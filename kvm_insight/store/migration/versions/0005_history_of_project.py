# SPDX-License-Identifier: Apache-2.0
"""A project's history is found by an index, and a project with none, too."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_TIMES = {'instance_hour': 'hour', 'instance_day': 'day'}


def upgrade() -> None:
    """Make the indexes; with years of history that takes some minutes."""
    for table, time in _TIMES.items():
        columns = ['project_id', time]
        op.create_index(f'ix_{table}_project_id_{time}', table, columns)
        if _has_own(table):
            op.drop_index(_own(table), table)


def downgrade() -> None:
    """Drop them."""
    for table, time in _TIMES.items():
        # MariaDB had made one by itself for the foreign key, and took that
        # away when there was a better one.
        if op.get_bind().dialect.name == 'mysql' and not _has_own(table):
            op.create_index(_own(table), table, ['project_id'])
        op.drop_index(f'ix_{table}_project_id_{time}', table)


def _own(table: str) -> str:
    return f'fk_{table}_project_id'


def _has_own(table: str) -> bool:
    there = sa.inspect(op.get_bind()).get_indexes(table)
    return any(one['name'] == _own(table) for one in there)
