# SPDX-License-Identifier: Apache-2.0
"""Tables of what was: hours as they were told, days as the sums of them.

``part`` tells two records of one host and hour apart, of which there are two
where a clock was set back; they add up, as hours do. Days are made from hours
again whenever one of them changes, and outlive them.
"""

import sqlalchemy as sa

from kvm_insight.store import table

_SUM = sa.BigInteger


def _sums(*names: str) -> list[sa.Column[int]]:
    """Return columns of what was measured or not."""
    return [sa.Column(name, _SUM) for name in names]


def _lost() -> list[sa.Column[int]]:
    """Return delay while a finding was open, by its verdict."""
    return [
        sa.Column(f'lost_{verdict}_us', _SUM, nullable=False, default=0)
        for verdict in (
            'antagonist',
            'self_inflicted',
            'overcommit',
            'host_process',
            'unknown',
        )
    ]


def _host() -> list[sa.Column[object]]:
    return [
        sa.Column('samples', _SUM, nullable=False),
        sa.Column('missing', _SUM, nullable=False),
        #: Without the gaps; what is not measured is not known to be well.
        sa.Column('measured_us', _SUM, nullable=False),
        sa.Column('cpus', sa.Integer, nullable=False),
        *_sums('memory_bytes', 'least_available_bytes'),
        *_sums('busy_us', 'own_run_us', 'own_delay_us'),
        #: Of all instances.
        *_sums('run_us', 'delay_us', 'throttled_us'),
        *_lost(),
        *_sums('ledger_ebpf_us', 'ledger_sampled_us'),
        #: A JSON object of stall µs: ``cpu_some_us`` and so on.
        sa.Column('pressure', sa.JSON),
    ]


def _instance() -> list[sa.Column[object]]:
    return [
        #: Whose it was then.
        sa.Column('project_id', sa.ForeignKey('project.id')),
        sa.Column('vcpus', sa.Integer, nullable=False),
        *_sums('memory_bytes'),
        *_cpu(),
        #: The most cores that were wanted in so much of the time, and ever.
        sa.Column('p50_cores', sa.Double),
        sa.Column('p95_cores', sa.Double),
        sa.Column('max_cores', sa.Double),
        #: ``store.histogram``: they add up, quantiles do not.
        sa.Column('histogram', sa.LargeBinary(2**16 - 1)),
        *_devices(),
    ]


def _cpu() -> list[sa.Column[int]]:
    names = (
        'measured_us',
        'run_us',
        'delay_us',
        'throttled_us',
        'polled_us',
        'trusted_us',
        # Its delay by whom the ledger says it waited for, never more than
        # it; the rest is in nobody's account.
        'waited_neighbour_us',
        'waited_own_us',
        'waited_quota_us',
        'waited_host_us',
        'waited_unattributed_us',
        # How long other instances waited while this one ran.
        'caused_us',
    )
    return [
        *(sa.Column(name, _SUM, nullable=False, default=0) for name in names),
        #: Of its wait for neighbours what these of its own project made it
        #: wait; not known of rows from before this was kept.
        *_sums('waited_own_project_us'),
        *_lost(),
    ]


def _devices() -> list[sa.Column[int]]:
    disk = (
        'measured_us',
        'read_requests',
        'read_bytes',
        'read_us',
        'write_requests',
        'write_bytes',
        'write_us',
        'flush_requests',
        'flush_us',
        'errors',
        'peak_requests_s',
        'peak_bytes_s',
    )
    network = (
        'measured_us',
        'rx_bytes',
        'rx_packets',
        'rx_drops',
        'tx_bytes',
        'tx_packets',
        'tx_drops',
        'peak_bytes_s',
    )
    memory = (
        'measured_us',
        'swap_in_bytes',
        'swap_out_bytes',
        'major_faults',
        'oom_kills',
        'rss_bytes',
        'peak_rss_bytes',
        'usable_bytes',
        'dirty_rate_bytes_s',
    )
    return [
        *_sums(*(f'disk_{name}' for name in disk)),
        *_sums(*(f'network_{name}' for name in network)),
        *_sums(*(f'memory_{name}' for name in memory)),
    ]


HOST_HOUR = sa.Table(
    'host_hour',
    table.METADATA,
    sa.Column('host_id', sa.ForeignKey('host.id'), primary_key=True),
    sa.Column('hour', sa.Integer, primary_key=True),
    sa.Column('part', sa.Integer, primary_key=True),
    sa.Column('agent_id', sa.String(255), nullable=False),
    sa.Column('first_sequence', sa.BigInteger, nullable=False),
    sa.Column('last_sequence', sa.BigInteger, nullable=False),
    *_host(),
    #: Who waited for whom: ``store.charges``.
    sa.Column('charges', sa.LargeBinary(2**24 - 1)),
    sa.Index('ix_host_hour_hour', 'hour'),
)

HOST_DAY = sa.Table(
    'host_day',
    table.METADATA,
    sa.Column('host_id', sa.ForeignKey('host.id'), primary_key=True),
    sa.Column('day', sa.Integer, primary_key=True),
    *_host(),
    sa.Index('ix_host_day_day', 'day'),
)

INSTANCE_HOUR = sa.Table(
    'instance_hour',
    table.METADATA,
    sa.Column('instance_id', sa.ForeignKey('instance.id'), primary_key=True),
    sa.Column('hour', sa.Integer, primary_key=True),
    sa.Column('host_id', sa.ForeignKey('host.id'), primary_key=True),
    sa.Column('part', sa.Integer, primary_key=True),
    *_instance(),
    sa.Index('ix_instance_hour_hour', 'hour'),
    #: What of a host and hour is to be replaced.
    sa.Index('ix_instance_hour_host_id_hour', 'host_id', 'hour'),
    #: All that was a project's, whoever has it now.
    sa.Index('ix_instance_hour_project_id_hour', 'project_id', 'hour'),
)

INSTANCE_DAY = sa.Table(
    'instance_day',
    table.METADATA,
    sa.Column('instance_id', sa.ForeignKey('instance.id'), primary_key=True),
    sa.Column('day', sa.Integer, primary_key=True),
    *_instance(),
    #: All hours were of this project and had so many vCPUs: only then does
    #: the day stand for them.
    sa.Column('uniform', sa.Boolean),
    #: The delay of the hour that had most of it.
    *_sums('peak_delay_us'),
    sa.Index('ix_instance_day_day', 'day'),
    sa.Index('ix_instance_day_project_id_day', 'project_id', 'day'),
)
