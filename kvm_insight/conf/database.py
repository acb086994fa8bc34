# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``database``, and the settings they make."""

from oslo_config import cfg

from kvm_insight.store import settings as store_settings

GROUP = 'database'
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'connection',
        default=store_settings.DEFAULT,
        secret=True,
        help='Where history is kept, as SQLAlchemy writes it: a file '
        '(sqlite:////var/lib/kvm-insight/store.db), '
        'postgresql+psycopg://user:password@host/name or '
        'mysql+pymysql://user:password@host/name for MariaDB. Change it to '
        'one of the latter two as soon as more than one machine reads or '
        'writes it; then run kvm-insight db upgrade.',
    ),
    cfg.IntOpt(
        'pool_size',
        default=5,
        min=1,
        max=1000,
        help='Connections that one process keeps open. Raise it with the '
        'threads that answer requests; the server must allow for those of '
        'all processes together.',
    ),
    cfg.IntOpt(
        'max_overflow',
        default=10,
        min=0,
        max=1000,
        help='Connections that may be opened beyond pool_size for a moment. '
        'Lower it where the server allows few.',
    ),
    cfg.IntOpt(
        'connect_timeout_s',
        default=10,
        min=1,
        max=300,
        help='How long to wait for a connection. Raise it where the server '
        'is far away.',
    ),
    cfg.IntOpt(
        'statement_timeout_s',
        default=60,
        min=1,
        max=3600,
        help='A statement that takes longer is given up, and tried again '
        'later. Raise it on a slow disk.',
    ),
]


def settings(conf: cfg.ConfigOpts) -> store_settings.Settings:
    """Return where the database is."""
    group = conf[GROUP]
    return store_settings.Settings(
        connection=group.connection,
        pool_size=group.pool_size,
        overflow=group.max_overflow,
        connect_timeout_s=group.connect_timeout_s,
        statement_timeout_s=group.statement_timeout_s,
    )
