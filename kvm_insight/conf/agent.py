# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``agent``, and what the agent is made of by them."""

import pathlib
import socket

from oslo_config import cfg

from kvm_insight import exception

GROUP = 'agent'

_WHO = [
    cfg.StrOpt(
        'host',
        help="This host's name on the bus. Set it to what Nova's own [DEFAULT]"
        ' host says, if that is not the host name.',
    ),
    cfg.StrOpt(
        'region',
        help='Goes before the host name as region/host. Set it when hosts of'
        ' several regions share a bus.',
    ),
    cfg.StrOpt(
        'compute_id_file',
        default='/var/lib/nova/compute_id',
        help="Where Nova keeps this host's id, its resource provider's UUID."
        ' Change it with the state_path of nova-compute.',
    ),
    cfg.StrOpt(
        'mapping_file',
        mutable=True,
        help='Says whose domains are whose on a host without Nova: sections'
        ' [UUID or name pattern] with project, project_name, instance_name.'
        ' Read again on SIGHUP.',
    ),
]
_WHEN = [
    cfg.FloatOpt(
        'interval_s',
        default=10.0,
        min=1.0,
        max=300.0,
        mutable=True,
        help='Seconds between two samples. Raise it to halve the cost where'
        ' findings may come later; all windows of the analyzer then hold'
        ' fewer samples.',
    ),
    cfg.FloatOpt(
        'survey_s',
        default=30.0,
        min=1.0,
        max=600.0,
        mutable=True,
        help='Seconds between two readings of what changes slowly or what'
        ' QEMU has to be asked for: memory, NUMA, balloon, disks, interfaces.'
        ' Twice as long while all guests are at rest. Most of the cost: lower'
        ' it to interval_s to see disks as often as CPUs.',
    ),
    cfg.FloatOpt(
        'tick_s',
        default=1.0,
        min=0.2,
        max=10.0,
        mutable=True,
        help='Seconds between two readings of all threads by the sampled'
        ' ledger, and between two looks for new domains. Leave it unless'
        ' guests live for less than a second.',
    ),
]
_WHERE = [
    cfg.StrOpt(
        'libvirt_uri',
        default='qemu:///system',
        help='Which libvirt to ask. Change it for a socket at another place.',
    ),
    cfg.BoolOpt(
        'libvirt_read_only',
        default=True,
        help='Connect through the read-only socket. Turn it off only where'
        ' that socket is closed to the agent.',
    ),
    cfg.FloatOpt(
        'libvirt_timeout_s',
        default=5.0,
        min=0.5,
        help='A call that takes longer counts as hung: last values are used'
        ' with their age, and a new connection is made. Raise it on hosts'
        ' with hundreds of domains when the log says so.',
    ),
    cfg.StrOpt(
        'run_dir',
        default='/run/libvirt/qemu',
        help="libvirt's pid files. Empty looks through all processes for"
        ' QEMU, for guests that no system libvirt started.',
    ),
    cfg.StrOpt(
        'ledger',
        default='auto',
        choices=['auto', 'ebpf', 'sampled'],
        help='How waiting is accounted for: exactly by eBPF where the kernel'
        ' and the rights allow, else sampled. "ebpf" refuses to start'
        ' without; "sampled" keeps programs out of the kernel.',
    ),
    cfg.BoolOpt(
        'tell_config',
        default=False,
        help='Whether to tell on the topic host-config how this host and its'
        ' domains are built and configured. Turn it on to be advised of what'
        ' holds them back, and on hosts without OpenStack, where a planner'
        ' has nobody else to ask; the topic must exist, and this user may'
        ' write to it.',
    ),
    cfg.BoolOpt(
        'dirty_rates',
        default=False,
        help='Whether to measure how fast a domain dirties its memory when a'
        ' planner asks for it on the topic control, for a second each time.'
        ' Turn it on together with dirty_rates of the planner; it takes a'
        ' connection to libvirt that may write, and the right to read that'
        ' topic.',
    ),
]
OPTIONS: list[cfg.Opt] = [*_WHO, *_WHEN, *_WHERE]


def host_name(conf: cfg.ConfigOpts) -> str:
    """Return the key of this host's samples."""
    group = conf[GROUP]
    name = group.host or socket.gethostname()
    return f'{group.region}/{name}' if group.region else name


def run_dir(conf: cfg.ConfigOpts) -> pathlib.Path | None:
    """Return where libvirt's pid files are; None: look everywhere."""
    folder = conf[GROUP].run_dir
    return pathlib.Path(folder) if folder else None


def compute_id(conf: cfg.ConfigOpts) -> str | None:
    """Return Nova's id of this host, where there is Nova."""
    try:
        text = pathlib.Path(conf[GROUP].compute_id_file).read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return text.strip()[:1024] or None


def check(conf: cfg.ConfigOpts) -> None:
    """Raise ConfigError for values that do not go together."""
    group = conf[GROUP]
    if group.tick_s * 2 > group.interval_s:
        raise exception.ConfigError(
            f'[agent] tick_s = {group.tick_s:g} does not fit twice into'
            f' interval_s = {group.interval_s:g}; lower tick_s'
        )
