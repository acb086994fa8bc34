# SPDX-License-Identifier: Apache-2.0
"""Hosts, instances, and what was read of the bus."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None

_WORD = sa.String(255)
_HOST = sa.String(512)
_UUID = sa.String(36)
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
    _bus_offset()
    _secret()
    _project()
    _host()
    _instance()


def downgrade() -> None:
    """Drop them, and all that is in them."""
    for name in (
        'instance',
        'host',
        'project',
        'secret',
        'bus_offset',
    ):
        op.drop_table(name)


def _index(table: str, *columns: str) -> None:
    op.create_index(f'ix_{table}_{"_".join(columns)}', table, list(columns))


def _bus_offset() -> None:
    op.create_table(
        'bus_offset',
        sa.Column('topic', _WORD),
        sa.Column('partition', sa.Integer),
        sa.Column('next_offset', sa.BigInteger, nullable=False),
        sa.Column('generation', sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint('topic', 'partition', name='pk_bus_offset'),
        **_OPTIONS,
    )


def _secret() -> None:
    op.create_table(
        'secret',
        sa.Column('name', _WORD),
        sa.Column('value', sa.LargeBinary(255), nullable=False),
        sa.PrimaryKeyConstraint('name', name='pk_secret'),
        **_OPTIONS,
    )


def _project() -> None:
    op.create_table(
        'project',
        sa.Column('id', _ID, autoincrement=True),
        sa.Column('uuid', _WORD, nullable=False),
        sa.Column('name', _WORD),
        sa.PrimaryKeyConstraint('id', name='pk_project'),
        sa.UniqueConstraint('uuid', name='uq_project_uuid'),
        **_OPTIONS,
    )


def _host() -> None:
    op.create_table(
        'host',
        sa.Column('id', _ID, autoincrement=True),
        sa.Column('name', _HOST, nullable=False),
        sa.Column('hypervisor_hostname', _WORD),
        sa.Column('compute_id', _UUID),
        sa.Column('availability_zone', _WORD),
        sa.Column('aggregates', sa.JSON),
        sa.Column('enabled', sa.Boolean),
        sa.Column('maintenance', sa.Boolean),
        sa.Column('report_us', sa.BigInteger),
        sa.Column('cpus', sa.Integer),
        sa.Column('wanted_cores', sa.Double),
        sa.Column('waited_cores', sa.Double),
        sa.Column('own_cores', sa.Double),
        sa.Column('lost_cores', sa.Double),
        sa.Column('memory_bytes', sa.BigInteger),
        sa.Column('memory_available_bytes', sa.BigInteger),
        sa.Column('ledger_source', _WORD),
        sa.Column('record', _RECORD),
        sa.Column('outlook', _RECORD),
        sa.Column('outlook_state', _WORD),
        sa.Column('gone_us', sa.BigInteger),
        sa.PrimaryKeyConstraint('id', name='pk_host'),
        sa.UniqueConstraint('name', name='uq_host_name'),
        **_OPTIONS,
    )
    _index('host', 'availability_zone')
    _index('host', 'report_us')


def _instance() -> None:
    op.create_table(
        'instance',
        sa.Column('id', _ID, autoincrement=True),
        sa.Column('uuid', _UUID, nullable=False),
        sa.Column(
            'project_id',
            _ID,
            sa.ForeignKey('project.id', name='fk_instance_project_id'),
        ),
        sa.Column(
            'host_id',
            _ID,
            sa.ForeignKey('host.id', name='fk_instance_host_id'),
        ),
        sa.Column('name', _WORD),
        sa.Column('domain_name', _WORD),
        sa.Column('flavor', _WORD),
        sa.Column('server_group', _WORD),
        sa.Column('state', _WORD),
        sa.Column('vcpus', sa.Integer),
        sa.Column('memory_bytes', sa.BigInteger),
        sa.Column('wanted_cores', sa.Double),
        sa.Column('waited_cores', sa.Double),
        sa.Column('first_seen_us', sa.BigInteger, nullable=False),
        sa.Column('last_seen_us', sa.BigInteger, nullable=False),
        sa.Column('gone_us', sa.BigInteger),
        sa.PrimaryKeyConstraint('id', name='pk_instance'),
        sa.UniqueConstraint('uuid', name='uq_instance_uuid'),
        **_OPTIONS,
    )
    _index('instance', 'host_id')
    _index('instance', 'last_seen_us')
    _index('instance', 'name')
    _index('instance', 'project_id')
