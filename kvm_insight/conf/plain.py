# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``plain``: hosts without OpenStack."""

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.plain import settings as plain_settings

GROUP = 'plain'
_ROOM = [
    cfg.FloatOpt(
        'cpu_allocation_ratio',
        default=4.0,
        min=0.1,
        max=100.0,
        help="Virtual CPUs a host may carry for each of its CPUs, as Nova's "
        'option of that name. Lower it where guests use what they have.',
    ),
    cfg.FloatOpt(
        'ram_allocation_ratio',
        default=1.0,
        min=0.1,
        max=10.0,
        help='Memory that may be promised for each byte that a host has. '
        'Raise it where hosts swap or share pages and are meant to.',
    ),
    cfg.IntOpt(
        'reserved_host_cpus',
        default=0,
        min=0,
        help='CPUs of each host that no domain is promised. Raise it where '
        'hosts have work of their own.',
    ),
    cfg.IntOpt(
        'reserved_host_memory_mib',
        default=512,
        min=0,
        help='Memory of each host, in MiB, that no domain is promised. Raise '
        'it where hosts have work of their own.',
    ),
]
_MOVES = [
    cfg.ListOpt(
        'shared_storage',
        default=[],
        help='What all hosts reach by the same name: folders, devices, or '
        'kinds of disks that are no files, as "rbd:" or "volume:images". Set '
        'it for what agents cannot see; NFS, CephFS and the like they see by '
        'themselves. A domain with a disk elsewhere is never moved.',
    ),
    cfg.BoolOpt(
        'equal_cpus',
        default=True,
        help='Whether a guest may only go to a host with the same CPU. Turn '
        'it off where each guest has a CPU model that all hosts can run.',
    ),
    cfg.ListOpt(
        'maintenance',
        default=[],
        help='Hosts to which nothing is moved, and which the mode evacuate '
        'empties. Add a host before work on it.',
    ),
]
_AGE = [
    cfg.IntOpt(
        'silent_s',
        default=180,
        min=10,
        max=3600,
        help='A host whose newest report is older takes no part: nothing is '
        'moved from it or to it, and its domains keep their room. At least '
        'twice report_every_s of the analyzers.',
    ),
    cfg.IntOpt(
        'forget_hours',
        default=24,
        min=1,
        help='A host that told nothing for so long is taken to be gone. '
        'Raise it where hosts are switched off for longer.',
    ),
]
OPTIONS: list[cfg.Opt] = [*_ROOM, *_MOVES, *_AGE]


def settings(conf: cfg.ConfigOpts) -> plain_settings.Settings:
    """Return the settings; ConfigError names what cannot be."""
    group = conf[GROUP]
    for word in group.shared_storage:
        if not word.startswith('/') and ':' not in word:
            raise exception.ConfigError(
                f'[{GROUP}] shared_storage = {word}: give a path that begins'
                ' with /, or a kind with a colon, as rbd: or volume:images'
            )
    return plain_settings.Settings(
        cpu_ratio=group.cpu_allocation_ratio,
        memory_ratio=group.ram_allocation_ratio,
        reserved_cpus=group.reserved_host_cpus,
        reserved_memory_mib=group.reserved_host_memory_mib,
        shared_storage=tuple(group.shared_storage),
        equal_cpus=group.equal_cpus,
        maintenance=frozenset(group.maintenance),
        silent_s=group.silent_s,
        forget_s=group.forget_hours * 3600,
    )
