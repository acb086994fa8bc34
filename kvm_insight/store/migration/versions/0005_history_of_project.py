# SPDX-License-Identifier: Apache-2.0
"""A project's history is found by an index, and a project with none, too."""

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


def downgrade() -> None:
    """Drop them."""
    for table, time in _TIMES.items():
        if op.get_bind().dialect.name == 'mysql':
            # It had made one by itself for the foreign key, and took that
            # away when there was a better one.
            op.create_index(f'fk_{table}_project_id', table, ['project_id'])
        op.drop_index(f'ix_{table}_project_id_{time}', table)
