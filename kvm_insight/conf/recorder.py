# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``recorder``, and the settings they make."""

import dataclasses

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.conf import bus

GROUP = 'recorder'
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'group',
        default='kvm-insight-recorder',
        help='The consumer group whose members share the work of writing to '
        'the database. Change it to fill another database beside the one in '
        'service; all members of a group must write to the same one.',
    ),
    cfg.IntOpt(
        'batch',
        default=200,
        min=1,
        max=10_000,
        help='Records that are written in one transaction at most. Lower it '
        'when a recorder that catches up keeps others waiting for the '
        'database.',
    ),
    cfg.IntOpt(
        'keep_hours_days',
        default=35,
        min=1,
        max=3650,
        help='Days for which hours are kept, a row for each instance and '
        "hour: more than a month, so that last month's report has all its "
        'hours. An instance takes 17 kB a day. Lower it when the '
        'database is too large; days stay.',
    ),
    cfg.IntOpt(
        'keep_days_days',
        default=400,
        min=1,
        max=3650,
        help='Days for which days are kept, and hosts and instances of '
        'which nothing else is known. Raise it to compare with more than '
        'the same month of last year.',
    ),
    cfg.IntOpt(
        'keep_findings_days',
        default=400,
        min=1,
        max=3650,
        help='Days for which closed findings are kept, and recommendations. '
        'Lower it where findings about a project may not be kept so long.',
    ),
    cfg.FloatOpt(
        'purge_every_s',
        default=3600.0,
        min=1.0,
        max=86_400.0,
        help='Seconds between two looks for what is too old. One recorder '
        'takes it away, a thousand rows at a time. Leave it, but for a test.',
    ),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where to read, how much at once, and how long it is kept."""

    prefix: str = topic.PREFIX
    group: str = 'kvm-insight-recorder'
    batch: int = 200
    keep_hours_days: int = 35
    keep_days_days: int = 400
    keep_findings_days: int = 400
    purge_every_s: float = 3600.0


def settings(conf: cfg.ConfigOpts) -> Settings:
    """Return the settings; ConfigError names what cannot be."""
    group = conf[GROUP]
    if group.keep_days_days < group.keep_hours_days:
        raise exception.ConfigError(
            f'[{GROUP}] keep_days_days = {group.keep_days_days}: days are'
            ' kept as long as hours at least; raise it to keep_hours_days ='
            f' {group.keep_hours_days}, or lower that one'
        )
    return Settings(
        prefix=conf[bus.GROUP].topic_prefix,
        group=group.group,
        batch=group.batch,
        keep_hours_days=group.keep_hours_days,
        keep_days_days=group.keep_days_days,
        keep_findings_days=group.keep_findings_days,
        purge_every_s=group.purge_every_s,
    )
