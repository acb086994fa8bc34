# SPDX-License-Identifier: Apache-2.0
"""Findings, recommendations, and what people say."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

_WORD = sa.String(255)
_HOST = sa.String(512)
_UUID = sa.String(36)
_KEY = sa.String(700)
_ID = sa.BigInteger().with_variant(sa.Integer, 'sqlite')
_RECORD = sa.LargeBinary(2**24 - 1)
#: Names differ by case and by spaces at their ends.
_OPTIONS: dict[str, Any] = {
    'mysql_engine': 'InnoDB',
    'mysql_charset': 'utf8mb4',
    'mysql_collate': 'utf8mb4_nopad_bin',
}


def upgrade() -> None:
    """Make them, each after those that it leads to."""
    _finding()
    _finding_aggressor()
    _recommendation()
    _recommendation_move()
    _control_order()
    _fact()
    _configuration_finding()


def downgrade() -> None:
    """Drop them, and all that is in them."""
    for name in (
        'configuration_finding',
        'fact',
        'control_order',
        'recommendation_move',
        'recommendation',
        'finding_aggressor',
        'finding',
    ):
        op.drop_table(name)


def _index(table: str, *columns: str) -> None:
    op.create_index(f'ix_{table}_{"_".join(columns)}', table, list(columns))


def _finding() -> None:
    op.create_table(
        'finding',
        sa.Column('id', _WORD),
        sa.Column(
            'host_id',
            _ID,
            sa.ForeignKey('host.id', name='fk_finding_host_id'),
            nullable=False,
        ),
        sa.Column(
            'instance_id',
            _ID,
            sa.ForeignKey('instance.id', name='fk_finding_instance_id'),
        ),
        sa.Column(
            'project_id',
            _ID,
            sa.ForeignKey('project.id', name='fk_finding_project_id'),
        ),
        sa.Column('state', _WORD, nullable=False),
        sa.Column('resource', _WORD, nullable=False),
        sa.Column('verdict', _WORD, nullable=False),
        sa.Column('cause', _WORD),
        sa.Column('confidence', sa.Double, nullable=False),
        sa.Column('severity_cores', sa.Double, nullable=False),
        sa.Column('lost_us', sa.BigInteger, nullable=False),
        sa.Column('opened_us', sa.BigInteger, nullable=False),
        sa.Column('updated_us', sa.BigInteger, nullable=False),
        sa.Column('closed_us', sa.BigInteger),
        sa.Column('closed_reason', _WORD),
        sa.Column('record', _RECORD, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_finding'),
        **_OPTIONS,
    )
    _index('finding', 'closed_us')
    _index('finding', 'host_id')
    _index('finding', 'instance_id')
    _index('finding', 'opened_us')
    _index('finding', 'project_id')
    _index('finding', 'state', 'opened_us')


def _finding_aggressor() -> None:
    op.create_table(
        'finding_aggressor',
        sa.Column(
            'finding_id',
            _WORD,
            sa.ForeignKey(
                'finding.id',
                name='fk_finding_aggressor_finding_id',
                ondelete='CASCADE',
            ),
        ),
        sa.Column('position', sa.Integer),
        sa.Column('entity', _WORD, nullable=False),
        sa.Column(
            'instance_id',
            _ID,
            sa.ForeignKey(
                'instance.id', name='fk_finding_aggressor_instance_id'
            ),
        ),
        sa.Column(
            'project_id',
            _ID,
            sa.ForeignKey(
                'project.id', name='fk_finding_aggressor_project_id'
            ),
        ),
        sa.Column('blame', sa.Double, nullable=False),
        sa.Column('waited_us', sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            'finding_id', 'position', name='pk_finding_aggressor'
        ),
        **_OPTIONS,
    )
    _index('finding_aggressor', 'instance_id')
    _index('finding_aggressor', 'project_id')


def _recommendation() -> None:
    op.create_table(
        'recommendation',
        sa.Column('id', _WORD),
        sa.Column('state', _WORD, nullable=False),
        sa.Column('mode', _WORD, nullable=False),
        sa.Column('generation', sa.BigInteger, nullable=False),
        sa.Column('gain_core_s', sa.Double, nullable=False),
        sa.Column('cost_core_s', sa.Double, nullable=False),
        sa.Column('risk', sa.Double, nullable=False),
        sa.Column('created_us', sa.BigInteger, nullable=False),
        sa.Column('expires_us', sa.BigInteger, nullable=False),
        sa.Column('outcome', _WORD),
        sa.Column('gone_us', sa.BigInteger),
        sa.Column('record', _RECORD, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_recommendation'),
        **_OPTIONS,
    )
    _index('recommendation', 'created_us')
    _index('recommendation', 'state', 'created_us')


def _recommendation_move() -> None:
    op.create_table(
        'recommendation_move',
        sa.Column(
            'recommendation_id',
            _WORD,
            sa.ForeignKey(
                'recommendation.id',
                name='fk_recommendation_move_recommendation_id',
                ondelete='CASCADE',
            ),
        ),
        sa.Column('position', sa.Integer),
        sa.Column('instance_uuid', _UUID, nullable=False),
        sa.Column('source', _HOST, nullable=False),
        sa.Column('destination', _HOST, nullable=False),
        sa.PrimaryKeyConstraint(
            'recommendation_id', 'position', name='pk_recommendation_move'
        ),
        **_OPTIONS,
    )
    _index('recommendation_move', 'destination')
    _index('recommendation_move', 'instance_uuid')
    _index('recommendation_move', 'source')


def _control_order() -> None:
    op.create_table(
        'control_order',
        sa.Column('key', _KEY),
        sa.Column('kind', _WORD, nullable=False),
        sa.Column('about', _WORD, nullable=False),
        sa.Column('subject', _HOST, nullable=False),
        sa.Column('made_us', sa.BigInteger, nullable=False),
        sa.Column('ends_us', sa.BigInteger),
        sa.Column('record', _RECORD, nullable=False),
        sa.PrimaryKeyConstraint('key', name='pk_control_order'),
        **_OPTIONS,
    )
    _index('control_order', 'kind')


def _fact() -> None:
    op.create_table(
        'fact',
        sa.Column('key', _KEY),
        sa.Column('schema', _WORD, nullable=False),
        sa.Column('updated_us', sa.BigInteger, nullable=False),
        sa.Column('record', _RECORD, nullable=False),
        sa.PrimaryKeyConstraint('key', name='pk_fact'),
        **_OPTIONS,
    )
    _index('fact', 'schema')


def _configuration_finding() -> None:
    op.create_table(
        'configuration_finding',
        sa.Column('id', _WORD),
        sa.Column('check', _WORD, nullable=False),
        sa.Column(
            'host_id',
            _ID,
            sa.ForeignKey('host.id', name='fk_configuration_finding_host_id'),
            nullable=False,
        ),
        sa.Column(
            'instance_id',
            _ID,
            sa.ForeignKey(
                'instance.id', name='fk_configuration_finding_instance_id'
            ),
        ),
        sa.Column(
            'project_id',
            _ID,
            sa.ForeignKey(
                'project.id', name='fk_configuration_finding_project_id'
            ),
        ),
        sa.Column('severity', _WORD, nullable=False),
        sa.Column('state', _WORD, nullable=False),
        sa.Column('opened_us', sa.BigInteger, nullable=False),
        sa.Column('updated_us', sa.BigInteger, nullable=False),
        sa.Column('closed_us', sa.BigInteger),
        sa.Column('record', _RECORD, nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_configuration_finding'),
        **_OPTIONS,
    )
    _index('configuration_finding', 'check')
    _index('configuration_finding', 'host_id')
    _index('configuration_finding', 'instance_id')
    _index('configuration_finding', 'project_id')
    _index('configuration_finding', 'state')
