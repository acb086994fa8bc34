# SPDX-License-Identifier: Apache-2.0
"""Tables of what is now: hosts, instances, findings and what people say.

Hours and days are in ``rollup``. Times are µs since 1970 (``_us``), hours and
days numbers since then (``hour``, ``day``); a column without a value was not
measured. ``record`` has the whole record of the bus as it was published, or a
finding's as closed where it was taken back while open; ``model.codec`` reads
it: columns are what is filtered, sorted and counted by.
"""

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        'ix': 'ix_%(table_name)s_%(column_0_N_name)s',
        'uq': 'uq_%(table_name)s_%(column_0_N_name)s',
        'fk': 'fk_%(table_name)s_%(column_0_N_name)s',
        'pk': 'pk_%(table_name)s',
    }
)

#: Host names may be so long on the wire, other words half of that.
_HOST = sa.String(512)
_WORD = sa.String(255)
_UUID = sa.String(36)
#: SQLite numbers rows by themselves only where a key is INTEGER.
_ID = sa.BigInteger().with_variant(sa.Integer, 'sqlite')
_US = sa.BigInteger
#: More than MariaDB's 64 KiB.
_RECORD = sa.LargeBinary(2**24 - 1)


def _id() -> sa.Column[int]:
    return sa.Column('id', _ID, primary_key=True, autoincrement=True)


def _host(*, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(
        'host_id', sa.ForeignKey('host.id'), nullable=nullable, index=True
    )


def _project() -> sa.Column[int]:
    return sa.Column('project_id', sa.ForeignKey('project.id'), index=True)


def _instance() -> sa.Column[int]:
    return sa.Column('instance_id', sa.ForeignKey('instance.id'), index=True)


#: What was read of the bus; written with the effects of it.
BUS_OFFSET = sa.Table(
    'bus_offset',
    METADATA,
    sa.Column('topic', _WORD, primary_key=True),
    sa.Column('partition', sa.Integer, primary_key=True),
    sa.Column('next_offset', sa.BigInteger, nullable=False),
    #: Of the consumer group; whoever has an older one may not write.
    sa.Column('generation', sa.BigInteger, nullable=False),
)

#: Keys by which ids are made opaque; made once, never shown.
SECRET = sa.Table(
    'secret',
    METADATA,
    sa.Column('name', _WORD, primary_key=True),
    sa.Column('value', sa.LargeBinary(255), nullable=False),
)

PROJECT = sa.Table(
    'project',
    METADATA,
    _id(),
    #: Keystone's id, or the name that a mapping gives.
    sa.Column('uuid', _WORD, nullable=False, unique=True),
    sa.Column('name', _WORD),
)

HOST = sa.Table(
    'host',
    METADATA,
    _id(),
    sa.Column('name', _HOST, nullable=False, unique=True),
    sa.Column('hypervisor_hostname', _WORD),
    sa.Column('compute_id', _UUID),
    sa.Column('availability_zone', _WORD, index=True),
    #: A JSON list of names.
    sa.Column('aggregates', sa.JSON),
    sa.Column('enabled', sa.Boolean),
    sa.Column('maintenance', sa.Boolean),
    #: Of its newest report; none where only its history is known.
    sa.Column('report_us', _US, index=True),
    sa.Column('cpus', sa.Integer),
    sa.Column('wanted_cores', sa.Double),
    sa.Column('waited_cores', sa.Double),
    sa.Column('own_cores', sa.Double),
    sa.Column('lost_cores', sa.Double),
    sa.Column('memory_bytes', sa.BigInteger),
    sa.Column('memory_available_bytes', sa.BigInteger),
    sa.Column('ledger_source', _WORD),
    #: ``host_report.HostReport``.
    sa.Column('record', _RECORD),
    #: ``inventory.Outlook``, and its state.
    sa.Column('outlook', _RECORD),
    sa.Column('outlook_state', _WORD),
    #: Its report was taken off the bus.
    sa.Column('gone_us', _US),
)

INSTANCE = sa.Table(
    'instance',
    METADATA,
    _id(),
    sa.Column('uuid', _UUID, nullable=False, unique=True),
    _project(),
    #: Where it was seen last.
    _host(nullable=True),
    #: Nova's name, else the one that its metadata has; libvirt's.
    sa.Column('name', _WORD, index=True),
    sa.Column('domain_name', _WORD),
    sa.Column('flavor', _WORD),
    sa.Column('server_group', _WORD),
    sa.Column('state', _WORD),
    sa.Column('vcpus', sa.Integer),
    sa.Column('memory_bytes', sa.BigInteger),
    #: Of the newest report that has it; none where only its history is known.
    sa.Column('report_us', _US),
    sa.Column('wanted_cores', sa.Double),
    sa.Column('waited_cores', sa.Double),
    sa.Column('first_seen_us', _US, nullable=False),
    sa.Column('last_seen_us', _US, nullable=False, index=True),
    #: No host reports it any more.
    sa.Column('gone_us', _US),
)

FINDING = sa.Table(
    'finding',
    METADATA,
    sa.Column('id', _WORD, primary_key=True),
    _host(),
    #: Of the victim; none where the victim is the host.
    _instance(),
    _project(),
    #: ``open`` or ``closed``.
    sa.Column('state', _WORD, nullable=False),
    sa.Column('resource', _WORD, nullable=False),
    sa.Column('verdict', _WORD, nullable=False),
    sa.Column('cause', _WORD),
    sa.Column('confidence', sa.Double, nullable=False),
    sa.Column('severity_cores', sa.Double, nullable=False),
    sa.Column('lost_us', sa.BigInteger, nullable=False),
    sa.Column('opened_us', _US, nullable=False),
    sa.Column('updated_us', _US, nullable=False),
    sa.Column('closed_us', _US),
    sa.Column('closed_reason', _WORD),
    #: ``finding.Finding``.
    sa.Column('record', _RECORD, nullable=False),
    sa.Index('ix_finding_state_opened_us', 'state', 'opened_us'),
    sa.Index('ix_finding_opened_us', 'opened_us'),
    sa.Index('ix_finding_closed_us', 'closed_us'),
)

#: Whom a finding names; without an instance a service, or the host.
AGGRESSOR = sa.Table(
    'finding_aggressor',
    METADATA,
    sa.Column(
        'finding_id',
        sa.ForeignKey('finding.id', ondelete='CASCADE'),
        primary_key=True,
    ),
    sa.Column('position', sa.Integer, primary_key=True),
    sa.Column('entity', _WORD, nullable=False),
    _instance(),
    _project(),
    sa.Column('blame', sa.Double, nullable=False),
    sa.Column('waited_us', sa.BigInteger, nullable=False),
)

RECOMMENDATION = sa.Table(
    'recommendation',
    METADATA,
    sa.Column('id', _WORD, primary_key=True),
    sa.Column('state', _WORD, nullable=False),
    sa.Column('mode', _WORD, nullable=False),
    sa.Column('generation', sa.BigInteger, nullable=False),
    sa.Column('gain_core_s', sa.Double, nullable=False),
    sa.Column('cost_core_s', sa.Double, nullable=False),
    sa.Column('risk', sa.Double, nullable=False),
    sa.Column('created_us', _US, nullable=False),
    sa.Column('expires_us', _US, nullable=False),
    sa.Column('outcome', _WORD),
    #: When it was taken off the bus, which keeps it for some days.
    sa.Column('gone_us', _US),
    #: ``recommendation.Recommendation``.
    sa.Column('record', _RECORD, nullable=False),
    sa.Index('ix_recommendation_state_created_us', 'state', 'created_us'),
    sa.Index('ix_recommendation_created_us', 'created_us'),
)

MOVE = sa.Table(
    'recommendation_move',
    METADATA,
    sa.Column(
        'recommendation_id',
        sa.ForeignKey('recommendation.id', ondelete='CASCADE'),
        primary_key=True,
    ),
    sa.Column('position', sa.Integer, primary_key=True),
    sa.Column('instance_uuid', _UUID, nullable=False, index=True),
    sa.Column('source', _HOST, nullable=False, index=True),
    sa.Column('destination', _HOST, nullable=False, index=True),
)

#: What holds on ``control`` by its key: mutes, approvals, opt-outs, ...
ORDER = sa.Table(
    'control_order',
    METADATA,
    sa.Column('key', sa.String(700), primary_key=True),
    sa.Column('kind', _WORD, nullable=False, index=True),
    sa.Column('about', _WORD, nullable=False),
    sa.Column('subject', _HOST, nullable=False),
    sa.Column('made_us', _US, nullable=False),
    sa.Column('ends_us', _US),
    #: ``control.Order``.
    sa.Column('record', _RECORD, nullable=False),
)

#: ``inventory`` as it is, by its key, but for names and outlooks.
FACT = sa.Table(
    'fact',
    METADATA,
    sa.Column('key', sa.String(700), primary_key=True),
    sa.Column('schema', _WORD, nullable=False, index=True),
    sa.Column('updated_us', _US, nullable=False),
    sa.Column('record', _RECORD, nullable=False),
)

CONFIGURATION_FINDING = sa.Table(
    'configuration_finding',
    METADATA,
    sa.Column('id', _WORD, primary_key=True),
    sa.Column('check', _WORD, nullable=False, index=True),
    _host(),
    #: Of whom it is; none where it is the host's.
    _instance(),
    _project(),
    sa.Column('severity', _WORD, nullable=False),
    sa.Column('state', _WORD, nullable=False, index=True),
    sa.Column('opened_us', _US, nullable=False),
    sa.Column('updated_us', _US, nullable=False),
    sa.Column('closed_us', _US),
    sa.Column('record', _RECORD, nullable=False),
)
