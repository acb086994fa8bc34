# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``analyzer``, and the settings they make."""

import dataclasses
import itertools

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.conf import bus
from kvm_insight.detect import settings as detect_settings

GROUP = 'analyzer'
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'group',
        default='kvm-insight-analyzer',
        help='The consumer group that shares the hosts among its members. '
        'Change it to try another version beside the one in service; give '
        'that one a topic_prefix of its own, too, or both write findings.',
    ),
    cfg.IntOpt(
        'state_every',
        default=30,
        min=1,
        max=1000,
        help='Samples of a host between two records of its state. Lower it '
        'when taking over from a dead analyzer takes too long, raise it '
        'when the topic state is too busy.',
    ),
    cfg.IntOpt(
        'batch',
        default=500,
        min=1,
        max=10_000,
        help='Samples that are taken from the bus at once. Lower it when an '
        'analyzer with many hosts uses too much memory while it catches up.',
    ),
    cfg.FloatOpt(
        'report_every_s',
        default=60.0,
        min=1.0,
        max=600.0,
        help='Seconds between two records of a host on the topic hosts when '
        'nothing turns there. Raise it when thousands of hosts make that '
        'topic too busy; the planner then sees older use.',
    ),
    cfg.ListOpt(
        'floors',
        default=['0.20', '0.10', '0.05'],
        help='Part of the wanted CPU time that must be lost before a domain '
        'is a victim, in windows of 30 s, 2 and 10 minutes. Raise them on '
        'hosts where some waiting is paid for, for example a dense '
        'development pool.',
    ),
    cfg.IntOpt(
        'freeze_hours',
        default=6,
        min=1,
        max=48,
        help='How long an incident keeps its baselines from learning that it '
        'is usual. After that its cause is "chronic". Lower it where '
        'nobody looks at long incidents.',
    ),
    cfg.FloatOpt(
        'blame',
        default=0.30,
        min=0.05,
        max=1.0,
        help="Part of a victim's wait that would have been spared before "
        'somebody is named for it. Raise it to name fewer.',
    ),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where to read and write, and what the detectors go by."""

    prefix: str = topic.PREFIX
    group: str = 'kvm-insight-analyzer'
    #: Samples of a host between two records of its state.
    state_every: int = 30
    #: Records that are taken at once.
    batch: int = 500
    #: Between two reports of a host on which nothing turns.
    report_every_s: float = 60.0
    rules: detect_settings.Settings = dataclasses.field(
        default_factory=detect_settings.Settings
    )


def settings(conf: cfg.ConfigOpts) -> Settings:
    """Return the settings; ConfigError names what cannot be."""
    group = conf[GROUP]
    return Settings(
        prefix=conf[bus.GROUP].topic_prefix,
        group=group.group,
        state_every=group.state_every,
        batch=group.batch,
        report_every_s=group.report_every_s,
        rules=rules(conf),
    )


def rules(conf: cfg.ConfigOpts) -> detect_settings.Settings:
    """Return what the detectors go by."""
    group = conf[GROUP]
    plain = detect_settings.Settings()
    floors = _floors(group.floors, len(plain.scales))
    return dataclasses.replace(
        plain,
        scales=tuple(
            scale._replace(floor=floor)
            for scale, floor in zip(plain.scales, floors, strict=True)
        ),
        freeze_s=group.freeze_hours * 3600,
        blame=group.blame,
        blame_dominant=round(group.blame * 2 / 3, 3),
        blame_by_entitlement=min(1.0, round(group.blame * 4 / 3, 3)),
    )


def _floors(words: list[str], wanted: int) -> list[float]:
    try:
        floors = [float(word) for word in words]
    except ValueError:
        floors = []
    falling = all(a >= b for a, b in itertools.pairwise(floors))
    inside = all(0 < floor < 1 for floor in floors)
    if len(floors) != wanted or not falling or not inside:
        raise exception.ConfigError(
            f'[{GROUP}] floors = {",".join(words)}: give {wanted} numbers '
            'between 0 and 1, none greater than the one before it'
        )
    return floors
