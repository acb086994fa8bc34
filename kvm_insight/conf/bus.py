# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``bus``, and what the bus room makes of them."""

import pathlib

from oslo_config import cfg

from kvm_insight.bus import forward, spool, topic

GROUP = 'bus'

_MIB = 1024 * 1024

_PLACE = [
    cfg.StrOpt(
        'driver',
        default='embedded',
        help='Which bus: "embedded" is a file on this machine and needs '
        'nothing else; change to "kafka" as soon as more than one host is '
        'watched.',
    ),
    cfg.StrOpt(
        'path',
        default='/var/lib/kvm-insight/bus.db',
        help="The embedded bus's file. Change it when /var/lib is small: "
        'one host with 30 domains writes some 120 MB a day.',
    ),
    cfg.ListOpt(
        'servers',
        default=['localhost:9092'],
        help='Kafka brokers to begin with, as host:port. Name two or three, '
        'so that a service can start while one is away.',
    ),
    cfg.StrOpt(
        'topic_prefix',
        default=topic.PREFIX,
        help='What all topic names begin with. Change it when two '
        'installations share a Kafka cluster, on all services alike.',
    ),
]
_SECURITY = [
    cfg.StrOpt(
        'security_protocol',
        default='PLAINTEXT',
        choices=['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
        help="How the brokers' listener is secured. Change it together "
        'with the port in servers.',
    ),
    cfg.StrOpt(
        'tls_ca_file',
        help="Certificates of the authority that signed the brokers' "
        'certificates. Needed when it is not one that the system trusts.',
    ),
    cfg.StrOpt(
        'tls_cert_file',
        help="This client's certificate. Needed when the brokers want one.",
    ),
    cfg.StrOpt('tls_key_file', help='The key of tls_cert_file.'),
    cfg.StrOpt(
        'tls_key_password',
        secret=True,
        help='The password of tls_key_file, if it has one.',
    ),
    cfg.BoolOpt(
        'tls_check_hostname',
        default=True,
        help="Whether the broker's certificate must name the host that was "
        'asked. Turn it off only for a test.',
    ),
    cfg.StrOpt(
        'sasl_mechanism',
        default='SCRAM-SHA-512',
        choices=['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
        help='How user and password are shown to the broker, with a SASL_ '
        'security_protocol. PLAIN only over TLS.',
    ),
    cfg.StrOpt('username', help='Kafka user; needed with SASL.'),
    cfg.StrOpt(
        'password',
        secret=True,
        help='Password of that user; needed with SASL.',
    ),
]
_CLIENT = [
    cfg.StrOpt(
        'client_id',
        default='kvm-insight',
        help="The name by which the broker's logs and quotas know us.",
    ),
    cfg.StrOpt(
        'group_instance_id',
        help='A name of this replica of a service that survives its restart; '
        'then a quick restart moves no partition. Must differ between '
        'replicas.',
    ),
    cfg.IntOpt(
        'session_timeout_ms',
        default=10_000,
        min=1000,
        help='A group member that is silent for so long has lost its '
        'partitions. Raise it when garbage or live migration of the service '
        'itself causes needless moves.',
    ),
    cfg.IntOpt(
        'delivery_timeout_ms',
        default=2**31 - 1,
        min=1000,
        max=2**31 - 1,
        help='When the Kafka client gives a record up. Leave it: the spool '
        'keeps records, and in kafka-python 3.0.12 a batch that expires '
        'silences the producer until it is rebuilt.',
    ),
    cfg.IntOpt(
        'wedged_after_s',
        default=60,
        min=1,
        help='A producer without an answer for so long, while the broker '
        'answers others, is built anew. Raise it when brokers are slow.',
    ),
    cfg.IntOpt(
        'max_record_bytes',
        default=4 * _MIB,
        min=1024,
        help='The largest record before compression; a host with 200 domains '
        "has 320 kB. Raise it with the topics' max.message.bytes.",
    ),
]
_SPOOL = [
    cfg.StrOpt(
        'spool_path',
        default='/var/lib/kvm-insight/spool.db',
        help="The agent's spool, where samples wait while the bus is away.",
    ),
    cfg.IntOpt(
        'spool_max_mib',
        default=256,
        min=1,
        help='What waits there at most; the oldest are dropped. 256 MiB hold '
        'two days of a host with 30 domains.',
    ),
    cfg.IntOpt(
        'spool_max_age_hours',
        default=72,
        min=1,
        help='What is older is dropped. More than the retention of the topic '
        'samples is of no use.',
    ),
    cfg.FloatOpt(
        'catch_up_per_s',
        default=20.0,
        min=0.1,
        help='Samples a second that one agent sends after an outage. Lower '
        'it when a thousand agents come back at once and the brokers '
        'suffer.',
    ),
    cfg.FloatOpt(
        'catch_up_jitter_s',
        default=5.0,
        min=0.0,
        help='After an outage each agent waits up to this long. Raise it '
        'with the number of hosts.',
    ),
]
OPTIONS: list[cfg.Opt] = [*_PLACE, *_SECURITY, *_CLIENT, *_SPOOL]


def driver_settings(conf: cfg.ConfigOpts) -> tuple[str, dict[str, object]]:
    """Return the driver's name and its settings, for ``driver.open_bus``."""
    group = conf[GROUP]
    if group.driver == 'embedded':
        return group.driver, {
            'path': group.path,
            'session_timeout_s': group.session_timeout_ms / 1000,
            'max_record_bytes': group.max_record_bytes,
        }
    return group.driver, {
        option.dest: group[option.dest]
        for option in [_PLACE[2], *_SECURITY, *_CLIENT]
    }


def spool_settings(
    conf: cfg.ConfigOpts,
) -> tuple[pathlib.Path, spool.Settings]:
    """Return where the spool is and what it may keep."""
    group = conf[GROUP]
    return pathlib.Path(group.spool_path), spool.Settings(
        max_bytes=group.spool_max_mib * _MIB,
        max_age_s=group.spool_max_age_hours * 3600,
    )


def forward_settings(conf: cfg.ConfigOpts) -> forward.Settings:
    """Return how fast the spool is drained."""
    group = conf[GROUP]
    return forward.Settings(
        catch_up_per_s=group.catch_up_per_s,
        jitter_s=group.catch_up_jitter_s,
    )
