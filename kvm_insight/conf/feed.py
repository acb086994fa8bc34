# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``feed``, and the settings they make."""

import dataclasses

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.conf import bus
from kvm_insight.recommend import watermarks

GROUP = 'feed'

_WHICH = [
    cfg.ListOpt(
        'active',
        default=[],
        help='The feeds that are on. kvm-insight-feed runs nova (the '
        "weigher's snapshot) and watcher (the file of recommendations); the "
        'planner runs placement, webhook, topic and actuator (which migrates '
        'instances). Each changes what others do: look at "kvm-insight feed '
        'dry-run" before adding one.',
    ),
    cfg.StrOpt(
        'region',
        help='Only hosts of this region go into the files for Nova and '
        'Watcher, under the names that Nova has for them. Set it where '
        '[agent] region is set.',
    ),
    cfg.IntOpt(
        'max_age_s',
        default=900,
        min=30,
        help='What kvm-insight-feed knows of a host or of the planner from '
        'longer ago is left out. Raise it with report_every_s of the '
        'analyzers and cycle_s of the planner.',
    ),
    cfg.FloatOpt(
        'write_every_s',
        default=10.0,
        min=1.0,
        max=600.0,
        help='Seconds between two writes of the files. Keep it well below '
        "the weigher's own max_age_s.",
    ),
]
_MARKS = [
    cfg.FloatOpt(
        'mark_high',
        default=0.40,
        min=0.01,
        max=1.0,
        help='From this heat on a host is to be marked. 0.4 is a third of a '
        'core lost, or being short of CPU, memory or disk in three of the '
        'last five minutes. Raise it to mark less.',
    ),
    cfg.FloatOpt(
        'mark_low',
        default=0.20,
        min=0.0,
        max=1.0,
        help='Below this heat a mark is to end. Keep it well below '
        'mark_high, or marks flicker.',
    ),
    cfg.IntOpt(
        'mark_sustain_s',
        default=120,
        min=0,
        help='So long a host must be hot before it is marked. Raise it where '
        'marks come and go too fast.',
    ),
    cfg.IntOpt(
        'mark_calm_s',
        default=600,
        min=0,
        help='So long a marked host must be cool before it is freed. Raise '
        'it where marks come and go too fast.',
    ),
    cfg.FloatOpt(
        'mark_radius',
        default=0.20,
        min=0.0,
        max=0.20,
        help='The part of the hosts of an aggregate that may be marked, of '
        'more than one at least one. Lower it where the others have little '
        'room.',
    ),
]
_FILES = [
    cfg.StrOpt(
        'snapshot_path',
        default='/run/kvm-insight/nova.json',
        help="The snapshot that Nova's scheduler reads. Change it together "
        "with snapshot_path in the scheduler's own configuration.",
    ),
    cfg.StrOpt(
        'recommendations_path',
        default='/run/kvm-insight/recommendations.json',
        help="The file that Watcher's strategy reads. Change it together "
        "with the strategy's parameter.",
    ),
]
_WATCHER = [
    cfg.StrOpt(
        'watcher_audit',
        help='Name or UUID of an audit of type EVENT that the feed watcher '
        "triggers through Watcher's webhook when there is a new "
        'recommendation. Set it, on one machine, where no audit runs by '
        'itself.',
    ),
]
_WEBHOOK = [
    cfg.StrOpt(
        'webhook_url',
        help='Where the feed webhook posts to. Use https wherever it leaves '
        'the machine.',
    ),
    cfg.StrOpt(
        'webhook_secret',
        secret=True,
        help='Signs what is posted (HMAC-SHA256 in X-Kvm-Insight-Signature). '
        'Set it so that the receiver can tell who it comes from.',
    ),
    cfg.FloatOpt(
        'webhook_timeout_s',
        default=10.0,
        min=0.1,
        max=120.0,
        help='So long the receiver may take to answer. Raise it for one that '
        'works before it answers.',
    ),
    cfg.StrOpt(
        'webhook_ca_file',
        help='Certificates of the authority that signed that of the '
        'receiver. Needed when it is not one that the system trusts.',
    ),
]
_ACTUATOR = [
    cfg.BoolOpt(
        'actuator_only_approved',
        default=False,
        help='Whether the feed actuator carries out only what somebody has '
        'approved. Set it to true where no instance is to move without a '
        'word of a person.',
    ),
    cfg.IntOpt(
        'actuator_at_once',
        default=1,
        min=1,
        max=100,
        help='Migrations that the feed actuator lets run at once. No host '
        'takes part in two of them in any case. Raise it where the network '
        'carries more.',
    ),
    cfg.IntOpt(
        'actuator_limit_s',
        default=900,
        min=30,
        max=86400,
        help='A migration that takes longer is aborted. Raise it for guests '
        'with much memory on a slow network.',
    ),
    cfg.StrOpt(
        'actuator_cloud',
        help='The name of a cloud in clouds.yaml with whose identity the '
        'feed actuator speaks to Nova; without it that of [cloud]. Set it so '
        'that only migrations are done as admin.',
    ),
    cfg.StrOpt(
        'actuator_uri',
        help='How the feed actuator reaches the libvirtd of a host where '
        'there is no OpenStack, such as qemu+tls://{host}/system. Set it only '
        'there.',
    ),
    cfg.BoolOpt(
        'actuator_native_tls',
        default=False,
        help='Whether QEMU encrypts what it copies between hosts, with '
        'actuator_uri. Set it to true where both have certificates for '
        'that.',
    ),
]
OPTIONS: list[cfg.Opt] = [
    *_WHICH,
    *_MARKS,
    *_FILES,
    *_WATCHER,
    *_WEBHOOK,
    *_ACTUATOR,
]


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What kvm-insight-feed goes by."""

    prefix: str = topic.PREFIX
    max_age_s: int = 900
    write_every_s: float = 10.0


def settings(conf: cfg.ConfigOpts) -> Settings:
    """Return the settings."""
    group = conf[GROUP]
    return Settings(
        prefix=conf[bus.GROUP].topic_prefix,
        max_age_s=group.max_age_s,
        write_every_s=group.write_every_s,
    )


def feed_settings(conf: cfg.ConfigOpts) -> dict[str, object]:
    """Return what the feeds themselves are given."""
    return {
        option.dest: conf[GROUP][option.dest]
        for option in [
            _WHICH[1],
            *_FILES,
            *_WATCHER,
            *_WEBHOOK,
            *_ACTUATOR,
        ]
    }


def marks(conf: cfg.ConfigOpts) -> watermarks.Watermarks:
    """Return what hosts are marked by; ConfigError names what cannot be."""
    group = conf[GROUP]
    if group.mark_low >= group.mark_high:
        raise exception.ConfigError(
            f'[{GROUP}] mark_low = {group.mark_low:g}: must be less than'
            f' mark_high, which is {group.mark_high:g}'
        )
    return watermarks.Watermarks(
        high=group.mark_high,
        low=group.mark_low,
        sustain_s=group.mark_sustain_s,
        calm_s=group.mark_calm_s,
        radius=group.mark_radius,
    )
