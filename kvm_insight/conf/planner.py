# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``planner``, and the settings they make."""

import dataclasses
import typing

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.conf import bus, cloud, feed, plain
from kvm_insight.model import recommendation
from kvm_insight.recommend import limits as recommend_limits
from kvm_insight.recommend import settings as recommend_settings

GROUP = 'planner'
MODES: tuple[recommendation.Mode, ...] = typing.get_args(recommendation.Mode)
SOURCES = ('file', 'cloud', 'hosts')
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'group',
        default='kvm-insight-planner',
        help='The consumer group whose one active member plans. Change it '
        'only together with topic_prefix, or two planners are active.',
    ),
    cfg.StrOpt(
        'source',
        choices=SOURCES,
        help='Who tells which hosts and instances there are: file '
        '(cluster_file), cloud (OpenStack, by [cloud]) or hosts (their own '
        'agents, by [plain]). Without it the one of the first two that is '
        'set; set it to hosts where there is no OpenStack.',
    ),
    cfg.StrOpt(
        'cluster_file',
        help='The description of the cluster, a record "cluster" as JSON. It '
        'is read again when it changes. Set it where no [cloud] tells.',
    ),
    cfg.ListOpt(
        'modes',
        default=['relieve'],
        help='What is planned, one after the other: relieve (hosts that are '
        'hot), balance, consolidate (empty hosts), evacuate (hosts that are '
        'in maintenance). Add what an operator will look at.',
    ),
    cfg.FloatOpt(
        'cycle_s',
        default=60.0,
        min=1.0,
        max=3600.0,
        help='Seconds between two cycles. Lower it where findings must be '
        'answered sooner than within a minute.',
    ),
    cfg.IntOpt(
        'cluster_max_age_s',
        default=24 * 3600,
        min=0,
        help='A cluster_file that describes an older instant is not planned '
        'with; [cloud] max_age_s counts for a cloud. Lower it where instances '
        'come and go all day; 0 is no limit, for hosts that never change.',
    ),
    cfg.IntOpt(
        'report_max_age_s',
        default=900,
        min=10,
        help='A host whose newest report is older takes no part in a plan. '
        'Raise it with report_every_s of the analyzers.',
    ),
    cfg.FloatOpt(
        'least_fresh',
        default=0.5,
        min=0.0,
        max=1.0,
        help='Part of the hosts that must have a fresh report, or nothing is '
        'planned at all. Lower it where many hosts have no agent.',
    ),
    cfg.IntOpt(
        'expires_s',
        default=900,
        min=60,
        help='How long a recommendation stands before it has to be found '
        'again. Raise it where people approve by hand.',
    ),
    cfg.IntOpt(
        'outcome_s',
        default=600,
        min=60,
        max=1800,
        help='How long after a move its outcome is measured. Raise it where '
        'guests take long to settle.',
    ),
    cfg.IntOpt(
        'ended_days',
        default=7,
        min=2,
        max=365,
        help='How long a recommendation that ended stays on its topic. Raise '
        'it where readers may be away for longer.',
    ),
    cfg.IntOpt(
        'history_hours',
        default=168,
        min=24,
        max=360,
        help='Hours of use that forecasts look back on. Lower it when the '
        'planner uses too much memory: an hour of an instance takes 50 '
        'bytes.',
    ),
    cfg.FloatOpt(
        'hot_ratio',
        default=0.85,
        min=0.1,
        max=2.0,
        help='A host is hot when more than this part of its cores may be '
        'wanted. Lower it to keep more room, raise it to move less.',
    ),
    cfg.FloatOpt(
        'worth',
        default=1.3,
        min=1.0,
        max=100.0,
        help='A move must gain so many times what it costs. Raise it to move '
        'only where much is gained.',
    ),
    cfg.FloatOpt(
        'bandwidth_mib_s',
        default=950.0,
        min=1.0,
        help='What a live migration may take of the network, in MiB a '
        'second. Set it to what Nova and the network allow.',
    ),
    cfg.BoolOpt(
        'dirty_rates',
        default=False,
        help='Whether to ask agents how fast an instance dirties its memory '
        'before its move is recommended for the first time; that waits up to '
        'three minutes for the answer. Turn it on together with dirty_rates '
        'of the agents.',
    ),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where to read and write, and what plans go by."""

    prefix: str = topic.PREFIX
    group: str = 'kvm-insight-planner'
    cluster_file: str | None = None
    cycle_s: float = 60.0
    ended_days: int = 7
    history_hours: int = 168
    limits: recommend_limits.Limits = dataclasses.field(
        default_factory=recommend_limits.Limits
    )


def settings(conf: cfg.ConfigOpts) -> Settings:
    """Return the settings; ConfigError names what cannot be."""
    group = conf[GROUP]
    return Settings(
        prefix=conf[bus.GROUP].topic_prefix,
        group=group.group,
        cluster_file=group.cluster_file,
        cycle_s=group.cycle_s,
        ended_days=group.ended_days,
        history_hours=group.history_hours,
        limits=limits(conf),
    )


def limits(conf: cfg.ConfigOpts) -> recommend_limits.Limits:
    """Return what a plan goes by."""
    group = conf[GROUP]
    return recommend_limits.Limits(
        rules=dataclasses.replace(
            recommend_settings.Settings(),
            stale_s=group.report_max_age_s,
            expires_s=group.expires_s,
            hot_ratio=group.hot_ratio,
            worth=group.worth,
            bandwidth_bytes_s=group.bandwidth_mib_s * 2**20,
        ),
        modes=_modes(group.modes),
        cluster_age_s=_most_age_s(conf),
        least_fresh=group.least_fresh,
        outcome_s=group.outcome_s,
        marks=feed.marks(conf),
        dirty_rates=group.dirty_rates,
    )


def source(conf: cfg.ConfigOpts) -> str | None:
    """Return who tells of the cluster, None where nobody does; ConfigError
    where two would, or the one that is asked for is not set."""
    asked: str | None = conf[GROUP].source
    there = {
        'file': conf[GROUP].cluster_file is not None,
        'cloud': cloud.settings(conf) is not None,
        'hosts': asked == 'hosts',
    }
    named = {
        'file': f'[{GROUP}] cluster_file',
        'cloud': f'[{cloud.GROUP}]',
        'hosts': f'[{GROUP}] source = hosts',
    }
    found = [name for name in SOURCES if there[name]]
    if len(found) > 1:
        words = ' and '.join(named[name] for name in found)
        raise exception.ConfigError(
            f'{words} are both set: one of them must tell which hosts there'
            ' are; unset the other'
        )
    if asked is not None and asked not in found:
        raise exception.ConfigError(
            f'[{GROUP}] source = {asked}: set {named[asked]}, too'
        )
    return found[0] if found else None


def _most_age_s(conf: cfg.ConfigOpts) -> int:
    told = cloud.settings(conf)
    if told is not None:
        return told.max_age_s
    if conf[GROUP].source == 'hosts':
        return plain.settings(conf).silent_s
    age_s: int = conf[GROUP].cluster_max_age_s
    return age_s


def _modes(words: list[str]) -> tuple[recommendation.Mode, ...]:
    found = tuple(mode for word in words for mode in MODES if mode == word)
    if not words or len(found) != len(words):
        raise exception.ConfigError(
            f'[{GROUP}] modes = {",".join(words)}: give one or more of'
            f' {", ".join(MODES)}'
        )
    return found
