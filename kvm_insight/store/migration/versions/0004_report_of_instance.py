# SPDX-License-Identifier: Apache-2.0
"""When an instance was in a report last, which is not when it last ran.

Hours are told late and say where an instance was then; without this one a
migrated instance would go back to where it was for as long as they come.
"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Those that have a state were in a report when they were seen last."""
    op.add_column('instance', sa.Column('report_us', sa.BigInteger))
    instance = sa.table(
        'instance',
        sa.column('report_us'),
        sa.column('last_seen_us'),
        sa.column('state'),
    )
    op.execute(
        instance.update()
        .values(report_us=instance.c.last_seen_us)
        .where(instance.c.state.is_not(None))
    )


def downgrade() -> None:
    """Forget it."""
    op.drop_column('instance', 'report_us')
