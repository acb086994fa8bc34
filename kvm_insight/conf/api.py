# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``api``: the REST API."""

from oslo_config import cfg

GROUP = 'api'
PORT = 9775
LOCAL_FILE = '/var/lib/kvm-insight/api-token'

_WHERE = [
    cfg.StrOpt(
        'auth',
        default='local',
        choices=['local', 'keystone'],
        help='Who may ask: "local" is whoever can read token_file, on this '
        'machine alone. Change it to "keystone" as soon as tenants or other '
        'machines ask, and fill [keystone_authtoken].',
    ),
    cfg.StrOpt(
        'host',
        default='127.0.0.1',
        help='The address that kvm-insight-api listens on. Change it with '
        'auth = keystone, best to one that only a TLS proxy reaches.',
    ),
    cfg.PortOpt(
        'port',
        default=PORT,
        help='The port that kvm-insight-api listens on. Change it where '
        'another service has it.',
    ),
    cfg.StrOpt(
        'token_file',
        default=LOCAL_FILE,
        help='With auth = local: the file with the token, made at the first '
        'start, readable by its owner alone. Give it to another group with '
        'care: who has the token may do all.',
    ),
    cfg.ListOpt(
        'names',
        default=[],
        help='With auth = local: further names by which this machine calls '
        'itself. Add one where a browser is refused because of "Host".',
    ),
    cfg.StrOpt(
        'tls_cert_file',
        help='Certificate, with its chain, of kvm-insight-api. Set it where '
        'no proxy before it speaks TLS.',
    ),
    cfg.StrOpt(
        'tls_key_file',
        help='The key of tls_cert_file, if it is not in the same file.',
    ),
]
_HOW = [
    cfg.IntOpt(
        'threads',
        default=8,
        min=1,
        max=256,
        help='Requests that are answered at the same time. Raise it with the '
        'cores, and with pool_size of [database].',
    ),
    cfg.FloatOpt(
        'patience_s',
        default=10.0,
        min=0.1,
        max=600.0,
        help='How long a client may take for the headers, for the body, and '
        'to read the answer; then it is cut. Raise it for very slow lines.',
    ),
    cfg.IntOpt(
        'silent_s',
        default=180,
        min=10,
        max=3600,
        help='A host whose newest report is older is shown as silent. At '
        'least twice report_every_s of the analyzers.',
    ),
]
OPTIONS: list[cfg.Opt] = [*_WHERE, *_HOW]
