# SPDX-License-Identifier: Apache-2.0
"""Hours and days of hosts and instances."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer, 'sqlite')
#: Names differ by case and by spaces at their ends.
_OPTIONS: dict[str, Any] = {
    'mysql_engine': 'InnoDB',
    'mysql_charset': 'utf8mb4',
    'mysql_collate': 'utf8mb4_nopad_bin',
}

_LOST = (
    'lost_antagonist_us',
    'lost_self_inflicted_us',
    'lost_overcommit_us',
    'lost_host_process_us',
    'lost_unknown_us',
)
_HOST_SUMS = (
    'memory_bytes',
    'least_available_bytes',
    'busy_us',
    'own_run_us',
    'own_delay_us',
    'run_us',
    'delay_us',
    'throttled_us',
)
_CPU = (
    'measured_us',
    'run_us',
    'delay_us',
    'throttled_us',
    'polled_us',
    'trusted_us',
    'waited_neighbour_us',
    'waited_own_us',
    'waited_quota_us',
    'waited_host_us',
    'waited_unattributed_us',
    'caused_us',
)
_DEVICES = (
    'disk_measured_us',
    'disk_read_requests',
    'disk_read_bytes',
    'disk_read_us',
    'disk_write_requests',
    'disk_write_bytes',
    'disk_write_us',
    'disk_flush_requests',
    'disk_flush_us',
    'disk_errors',
    'disk_peak_requests_s',
    'disk_peak_bytes_s',
    'network_measured_us',
    'network_rx_bytes',
    'network_rx_packets',
    'network_rx_drops',
    'network_tx_bytes',
    'network_tx_packets',
    'network_tx_drops',
    'network_peak_bytes_s',
    'memory_measured_us',
    'memory_swap_in_bytes',
    'memory_swap_out_bytes',
    'memory_major_faults',
    'memory_oom_kills',
    'memory_rss_bytes',
    'memory_peak_rss_bytes',
    'memory_usable_bytes',
    'memory_dirty_rate_bytes_s',
)


def upgrade() -> None:
    """Make them."""
    _create(
        'host_hour',
        [
            _host('host_hour'),
            sa.Column('hour', sa.Integer, nullable=False),
            sa.Column('part', sa.Integer, nullable=False),
            sa.Column('agent_id', sa.String(255), nullable=False),
            sa.Column('first_sequence', sa.BigInteger, nullable=False),
            sa.Column('last_sequence', sa.BigInteger, nullable=False),
            *_of_host(),
            sa.Column('charges', sa.LargeBinary(2**24 - 1)),
        ],
        ('host_id', 'hour', 'part'),
    )
    _create(
        'host_day',
        [
            _host('host_day'),
            sa.Column('day', sa.Integer, nullable=False),
            *_of_host(),
        ],
        ('host_id', 'day'),
    )
    _create(
        'instance_hour',
        [
            _instance('instance_hour'),
            sa.Column('hour', sa.Integer, nullable=False),
            _host('instance_hour'),
            sa.Column('part', sa.Integer, nullable=False),
            *_of_instance('instance_hour'),
        ],
        ('instance_id', 'hour', 'host_id', 'part'),
    )
    _create(
        'instance_day',
        [
            _instance('instance_day'),
            sa.Column('day', sa.Integer, nullable=False),
            *_of_instance('instance_day'),
        ],
        ('instance_id', 'day'),
    )
    for table in ('host_hour', 'instance_hour'):
        op.create_index(f'ix_{table}_hour', table, ['hour'])
    for table in ('host_day', 'instance_day'):
        op.create_index(f'ix_{table}_day', table, ['day'])
    op.create_index(
        'ix_instance_hour_host_id_hour', 'instance_hour', ['host_id', 'hour']
    )


def downgrade() -> None:
    """Drop them, and all that is in them."""
    for name in ('instance_day', 'instance_hour', 'host_day', 'host_hour'):
        op.drop_table(name)


def _create(
    name: str, columns: list[sa.Column[object]], key: tuple[str, ...]
) -> None:
    named = sa.PrimaryKeyConstraint(*key, name=f'pk_{name}')
    op.create_table(name, *columns, named, **_OPTIONS)


def _host(table: str) -> sa.Column[object]:
    key = sa.ForeignKey('host.id', name=f'fk_{table}_host_id')
    return sa.Column('host_id', _ID, key, nullable=False)


def _instance(table: str) -> sa.Column[object]:
    key = sa.ForeignKey('instance.id', name=f'fk_{table}_instance_id')
    return sa.Column('instance_id', _ID, key, nullable=False)


def _needed(names: tuple[str, ...]) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _measured(names: tuple[str, ...]) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.BigInteger) for name in names]


def _of_host() -> list[sa.Column[object]]:
    return [
        *_needed(('samples', 'missing', 'measured_us')),
        sa.Column('cpus', sa.Integer, nullable=False),
        *_measured(_HOST_SUMS),
        *_needed(_LOST),
        *_measured(('ledger_ebpf_us', 'ledger_sampled_us')),
        sa.Column('pressure', sa.JSON),
    ]


def _of_instance(table: str) -> list[sa.Column[object]]:
    key = sa.ForeignKey('project.id', name=f'fk_{table}_project_id')
    return [
        sa.Column('project_id', _ID, key),
        sa.Column('vcpus', sa.Integer, nullable=False),
        *_measured(('memory_bytes',)),
        *_needed((*_CPU, *_LOST)),
        sa.Column('p50_cores', sa.Double),
        sa.Column('p95_cores', sa.Double),
        sa.Column('max_cores', sa.Double),
        sa.Column('histogram', sa.LargeBinary(2**16 - 1)),
        *_measured(_DEVICES),
    ]
