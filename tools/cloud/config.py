# SPDX-License-Identifier: Apache-2.0
"""The services' configuration files."""

import pathlib
import shutil

from cloud import place

POLICY = place.HERE.parent.parent / 'etc/kvm-insight/policy'
Sections = dict[str, dict[str, object]]


def write(path: pathlib.Path, sections: Sections) -> None:
    """Write a file that only root reads: passwords are in it."""
    lines = []
    for name, values in sections.items():
        lines.append(f'[{name}]')
        lines += [f'{key} = {value}' for key, value in values.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_text('\n'.join(lines) + '\n')


def auth(where: place.Place, user: str) -> dict[str, object]:
    """Return who a service is for Keystone."""
    return {
        'auth_type': 'password',
        'auth_url': where.url('keystone'),
        'www_authenticate_uri': where.url('keystone'),
        'username': user,
        'password': where.secret(user),
        'user_domain_name': 'Default',
        'project_name': 'service',
        'project_domain_name': 'Default',
        'region_name': place.REGION,
    }


def services(where: place.Place) -> None:
    """Write what the services read, compute nodes aside; the policies are
    the ones that come with kvm_insight."""
    etc = where.etc
    pool = {'max_pool_size': 5}
    keys: dict[str, object] = {'key_repository': f'{etc}/keystone/fernet'}
    write(
        etc / 'keystone/keystone.conf',
        {
            'DEFAULT': {'use_stderr': True},
            'database': {'connection': where.database('keystone'), **pool},
            'token': {'provider': 'fernet', 'expiration': 14400},
            'fernet_tokens': keys,
            'fernet_receipts': keys,
            'credential': {'key_repository': f'{etc}/keystone/credential'},
            'oslo_policy': {'policy_file': POLICY / 'keystone.yaml'},
        },
    )
    write(
        etc / 'placement/placement.conf',
        {
            'DEFAULT': {'use_stderr': True},
            'placement_database': {
                'connection': where.database('placement'),
                **pool,
            },
            'api': {'auth_strategy': 'keystone'},
            'keystone_authtoken': auth(where, 'placement'),
            'oslo_policy': _policy(where, 'placement', 'placement-marks'),
        },
    )
    _glance(where)
    write(
        etc / 'nova/nova.conf', nova(where, where.home / 'nova', control=True)
    )
    shutil.copy(where.venv / 'etc/nova/api-paste.ini', etc / 'nova')


def _policy(where: place.Place, name: str, more: str) -> dict[str, object]:
    """Return a service's policy: the file for reading, and one more that
    counts for another role."""
    folder = where.etc / name / 'policy.d'
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(POLICY / f'{more}.yaml', folder)
    return {'policy_file': POLICY / f'{name}.yaml', 'policy_dirs': folder}


def _glance(where: place.Place) -> None:
    etc, home = where.etc, where.home / 'glance'
    for part in ('images', 'tmp', 'tasks'):
        (home / part).mkdir(parents=True, exist_ok=True)
    write(
        etc / 'glance/glance-api.conf',
        {
            'DEFAULT': {
                'use_stderr': True,
                'enabled_backends': 'file:file',
                'node_staging_uri': f'file://{home}/tmp',
            },
            'database': {
                'connection': where.database('glance'),
                'max_pool_size': 5,
            },
            'glance_store': {'default_backend': 'file'},
            'file': {'filesystem_store_datadir': home / 'images'},
            'os_glance_tasks_store': {
                'filesystem_store_datadir': home / 'tasks'
            },
            'os_glance_staging_store': {
                'filesystem_store_datadir': home / 'tmp'
            },
            'paste_deploy': {
                'flavor': 'keystone',
                'config_file': etc / 'glance/glance-api-paste.ini',
            },
            'keystone_authtoken': auth(where, 'glance'),
            'oslo_concurrency': {'lock_path': home / 'tmp'},
        },
    )
    shutil.copy(where.venv / 'etc/glance/glance-api-paste.ini', etc / 'glance')


def nova(
    where: place.Place, state: pathlib.Path, *, control: bool = False
) -> Sections:
    """Return Nova's configuration, of a compute node or of all else."""
    me = auth(where, 'nova')
    helper: dict[str, object] = {
        'helper_command': f'{where.venv}/bin/privsep-helper'
    }
    user = f'openstack:{where.secret("rabbit")}'
    port = where.port('rabbit')
    found: Sections = {
        'DEFAULT': {
            'transport_url': f'rabbit://{user}@{place.HOST}:{port}/',
            'state_path': state,
            'my_ip': place.HOST,
            'use_stderr': True,
            'concurrency_backend': 'threading',
            'default_thread_pool_size': 4,
            'graceful_shutdown_timeout': 5,
            'manager_shutdown_timeout': 0,
            'osapi_compute_workers': 1,
            'allow_resize_to_same_host': True,
        },
        'oslo_concurrency': {'lock_path': state / 'locks'},
        'oslo_messaging_rabbit': {'heartbeat_in_pthread': False},
        'oslo_messaging_notifications': {'driver': 'noop'},
        'keystone_authtoken': me,
        'service_user': {'send_service_user_token': True, **me},
        'placement': me,
        'glance': {**me, 'num_retries': 3},
        'neutron': me,
        'cinder': me,
        'conductor': {'workers': 1},
        'scheduler': {'workers': 1, 'discover_hosts_in_cells_interval': 15},
        'vnc': {'enabled': False},
        'privsep_osbrick': helper,
        'nova_sys_admin': helper,
        'oslo_policy': _policy(where, 'nova', 'nova-actuator'),
    }
    (where.home / 'nova/locks').mkdir(parents=True, exist_ok=True)
    if control:
        for section, name in (
            ('api_database', 'nova_api'),
            ('database', 'nova'),
        ):
            found[section] = {
                'connection': where.database(name),
                'max_pool_size': 5,
            }
    return found
