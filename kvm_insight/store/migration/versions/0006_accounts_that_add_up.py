# SPDX-License-Identifier: Apache-2.0
"""Causes add up to the delay where they lie, and days stand for hours.

Until now a reader made both of each hour. Which neighbours were of the same
project is in no row so far, and stays unknown of what is there.
"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

_CAUSES = ('neighbour', 'own', 'quota', 'host', 'unattributed')


def upgrade() -> None:
    """Add the columns; with years of history that takes some minutes."""
    for table in ('instance_hour', 'instance_day'):
        op.add_column(table, sa.Column('waited_own_project_us', sa.BigInteger))
        _add_up(table)
    op.add_column('instance_day', sa.Column('uniform', sa.Boolean))
    op.add_column('instance_day', sa.Column('peak_delay_us', sa.BigInteger))


def downgrade() -> None:
    """Drop them; what adds up stays so."""
    op.drop_column('instance_day', 'peak_delay_us')
    op.drop_column('instance_day', 'uniform')
    for table in ('instance_hour', 'instance_day'):
        op.drop_column(table, 'waited_own_project_us')


def _add_up(table: str) -> None:
    """Make causes add up to no more than the delay, as they are written
    now."""
    names = [f'waited_{cause}_us' for cause in _CAUSES]
    counted = ('run_us', 'polled_us', 'delay_us', 'throttled_us')
    rows = sa.table(
        table,
        *(sa.column(name, sa.BigInteger) for name in (*names, *counted)),
        sa.column('part_of_it', sa.Double),
    )
    c = rows.c
    run = op.get_bind().execute
    run(
        sa.update(rows)
        .where(c.polled_us > c.run_us)
        .values(polled_us=c.run_us)
    )
    run(
        sa.update(rows)
        .where(c.throttled_us > c.waited_quota_us)
        .values(waited_quota_us=c.throttled_us)
    )
    # In a column of its own: MariaDB takes each value of a statement as the
    # ones before it have left it.
    op.add_column(table, sa.Column('part_of_it', sa.Double))
    charged = sum((c[name] for name in names[1:]), c[names[0]])
    run(
        sa.update(rows)
        .where(charged > c.delay_us)
        .values(part_of_it=c.delay_us * sa.literal(1.0) / charged)
    )
    run(
        sa.update(rows)
        .where(c.part_of_it.is_not(None))
        .values(
            {
                name: sa.cast(c[name] * c.part_of_it, sa.BigInteger)
                for name in names
            }
        )
    )
    op.drop_column(table, 'part_of_it')
