# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``cloud``: which OpenStack, and how often it is read.

Nothing here imports openstacksdk: who has no cloud needs no such package.
"""

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.cloud import settings as cloud_settings

GROUP = 'cloud'
_IDENTITY = [
    cfg.StrOpt(
        'cloud',
        help='The name of a cloud in clouds.yaml. Set it, or auth_url, where '
        'there is OpenStack; then the planner reads hosts and instances from '
        'there.',
    ),
    cfg.StrOpt(
        'clouds_file',
        help='Where clouds.yaml is. Set it when it is not in '
        '/etc/openstack or in ~/.config/openstack.',
    ),
    cfg.StrOpt(
        'auth_url',
        help="Keystone's address, with /v3 at its end. Set it where there is "
        'no clouds.yaml; a cloud from there goes first.',
    ),
    cfg.StrOpt('username', help='Who we are for Keystone, with auth_url.'),
    cfg.StrOpt('password', secret=True, help='Password of that user.'),
    cfg.StrOpt(
        'project_name',
        default='service',
        help='The project in which that user has its role. Change it where '
        'service users live in another one.',
    ),
    cfg.StrOpt(
        'user_domain_name',
        default='Default',
        help="The user's domain. Change it where service users have their "
        'own.',
    ),
    cfg.StrOpt(
        'project_domain_name',
        default='Default',
        help="The project's domain. Change it with user_domain_name.",
    ),
    cfg.StrOpt(
        'application_credential_id',
        help='An application credential instead of user and password, so '
        'that the password is nowhere in a file.',
    ),
    cfg.StrOpt(
        'application_credential_secret',
        secret=True,
        help='The secret of that application credential.',
    ),
    cfg.StrOpt(
        'region_name',
        help='Which region. Needed where the catalog has more than one; one '
        'planner, and so one topic_prefix, is for one region.',
    ),
    cfg.BoolOpt(
        'region_in_names',
        default=False,
        help='Whether hosts are named region/host. Set it together with the '
        "agents' region option.",
    ),
    cfg.StrOpt(
        'interface',
        choices=['public', 'internal', 'admin'],
        help='Which endpoints of the catalog are asked; without it what '
        'clouds.yaml says, else public. Set it to internal where services '
        'speak to each other on a network of their own.',
    ),
    cfg.StrOpt(
        'ca_file',
        help="Certificates of the authority that signed the endpoints' "
        'certificates. Needed when it is not one that the system trusts.',
    ),
]
_MANNERS = [
    cfg.FloatOpt(
        'timeout_s',
        default=30.0,
        min=1.0,
        max=600.0,
        help='A service that is silent for so long is taken to be away. '
        'Raise it where Nova needs longer for a page of servers.',
    ),
    cfg.FloatOpt(
        'requests_per_s',
        default=100.0,
        min=1.0,
        help='Requests a second to one service at most. Lower it when '
        'Placement or Nova suffers from a full read; with 1,000 hosts that '
        'is 3,000 requests.',
    ),
    cfg.IntOpt(
        'poll_s',
        default=30,
        min=1,
        max=3600,
        help='Seconds between two looks at what has changed. A new name shows '
        'within that time. Raise it where Nova is slow.',
    ),
    cfg.IntOpt(
        'sweep_s',
        default=1800,
        min=60,
        help='Seconds after which all is read anew, whatever is said to have '
        'changed. Lower it where somebody changes databases by hand.',
    ),
    cfg.IntOpt(
        'max_age_s',
        default=300,
        min=10,
        help='What is known of the cloud is not planned with when it is '
        'older. Raise it together with poll_s.',
    ),
    cfg.FloatOpt(
        'confirm_s',
        default=5.0,
        min=0.5,
        max=30.0,
        help='What is to be recommended is looked at once more, for so many '
        'seconds at most; what is not confirmed by then is not said. Raise '
        'it where Nova is slow, with session_timeout_ms of the bus.',
    ),
]
_HOSTS = [
    cfg.BoolOpt(
        'server_groups',
        default=True,
        help='Whether anybody uses server groups. Nova shows those of all '
        'projects to admin alone: set it to false where nobody uses any, and '
        'a role that may only read is enough.',
    ),
    cfg.StrOpt(
        'cpu_mode',
        default='host-model',
        choices=['host-model', 'host-passthrough', 'custom', 'none'],
        help="What Nova's [libvirt] cpu_mode says on the compute nodes; no "
        'API tells it. With custom any host may take any instance, with the '
        "others one whose CPU lacks what the instance's host has may not.",
    ),
]
OPTIONS: list[cfg.Opt] = [*_IDENTITY, *_MANNERS, *_HOSTS]

_PASSWORD = (
    'username',
    'password',
    'project_name',
    'user_domain_name',
    'project_domain_name',
)
_CREDENTIAL = ('application_credential_id', 'application_credential_secret')


def settings(conf: cfg.ConfigOpts) -> cloud_settings.Settings | None:
    """Return the settings, None without a cloud; ConfigError if broken."""
    group = conf[GROUP]
    if group.cloud is None and group.auth_url is None:
        return None
    auth_type, auth = (None, {}) if group.cloud else _auth(group)
    return cloud_settings.Settings(
        cloud=group.cloud,
        clouds_file=group.clouds_file,
        auth_type=auth_type,
        auth=auth,
        region=group.region_name,
        region_in_names=group.region_in_names,
        interface=group.interface,
        ca_file=group.ca_file,
        timeout_s=group.timeout_s,
        requests_per_s=group.requests_per_s,
        poll_s=group.poll_s,
        sweep_s=group.sweep_s,
        max_age_s=group.max_age_s,
        confirm_s=group.confirm_s,
        server_groups=group.server_groups,
        cpu_mode=group.cpu_mode,
    )


def _auth(group: cfg.ConfigOpts) -> tuple[str, dict[str, str]]:
    """Return keystoneauth's name for the way in, and what it needs."""
    by_credential = group.application_credential_id is not None
    kind = 'v3applicationcredential' if by_credential else 'v3password'
    names = _CREDENTIAL if by_credential else _PASSWORD
    missing = [name for name in names if not group[name]]
    if missing:
        raise exception.ConfigError(
            f'[{GROUP}] {missing[0]} is not set: auth_url needs it'
        )
    return kind, {name: group[name] for name in ('auth_url', *names)}
