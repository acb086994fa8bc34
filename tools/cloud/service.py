# SPDX-License-Identifier: Apache-2.0
"""The database, the bus and the API services of a cloud."""

import pathlib
import socket
import subprocess
import urllib.request

from cloud import config, place

DATABASES = (
    'keystone',
    'placement',
    'glance',
    'nova_api',
    'nova',
    'nova_cell0',
)
#: Service -> the module that has its WSGI application.
MODULES = {
    'keystone': 'keystone.wsgi.api',
    'placement': 'placement.wsgi.api',
    'glance': 'glance.wsgi.api',
    'nova': 'nova.wsgi.osapi_compute',
    'network': 'cloud.network',
}
CONTROL = ('conductor', 'scheduler')


def start_database(where: place.Place) -> None:
    """Start MariaDB, with an empty database for each service."""
    home = where.home / 'db'
    home.mkdir(exist_ok=True)
    config.write(
        home / 'my.cnf',
        {
            'mysqld': {
                'datadir': home / 'data',
                'socket': home / 'sock',
                'pid-file': home / 'pid',
                'bind-address': place.HOST,
                'port': where.port('mysql'),
                'skip-name-resolve': 1,
                'performance-schema': 'off',
                'innodb-buffer-pool-size': '96M',
                'innodb-flush-log-at-trx-commit': 0,
                # Nothing here must outlive the machine.
                'innodb-flush-method': 'nosync',
                'innodb-doublewrite': 0,
                'innodb-log-file-size': '32M',
                'max-connections': 300,
                'key-buffer-size': '1M',
                'aria-pagecache-buffer-size': '8M',
                'character-set-server': 'utf8mb4',
            }
        },
    )
    if not (home / 'data/mysql').exists():
        where.command(
            'mariadb-install-db',
            f'--defaults-file={home}/my.cnf',
            '--user=root',
            '--skip-test-db',
            f'--datadir={home}/data',
            '--auth-root-authentication-method=socket',
        )
    where.spawn(
        'mariadb',
        ['mariadbd', f'--defaults-file={home}/my.cnf', '--user=root'],
    )
    where.wait('MariaDB', lambda: sql(where, 'select 1'), 90, 'mariadb')
    user = f"openstack@'{place.HOST}'"
    words = [
        f'create database if not exists {name};'
        f' grant all on {name}.* to {user};'
        for name in DATABASES
    ]
    password = where.secret('mysql')
    sql(
        where,
        f"create user if not exists {user} identified by '{password}';"
        + ''.join(words),
    )


def sql(where: place.Place, text: str, database: str = '') -> str:
    """Return what the database answers; CloudError with its words."""
    done = subprocess.run(
        [
            'mariadb',
            '--no-defaults',
            f'--socket={where.home}/db/sock',
            '--user=root',
            '-N',
            *([database] if database else []),
        ],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise place.CloudError(done.stderr)
    return done.stdout


def start_bus(where: place.Place) -> None:
    """Start RabbitMQ with an epmd of its own."""
    home = where.home / 'mq'
    home.mkdir(exist_ok=True)
    cookie = home / '.erlang.cookie'
    if not cookie.exists():
        cookie.write_text(where.secret('erlang'))
        cookie.chmod(0o400)
    (home / 'plugins').touch()
    (home / 'rabbitmq.conf').write_text(
        f'listeners.tcp.1 = {place.HOST}:{where.port("rabbit")}\n'
        'default_user = openstack\n'
        f'default_pass = {where.secret("rabbit")}\n'
        'loopback_users = none\n'
        'vm_memory_high_watermark.absolute = 512MB\n'
        'disk_free_limit.absolute = 100MB\n'
        'log.file.level = warning\n'
    )
    (home / 'rabbitmq.conf').chmod(0o600)
    env = where.env(
        HOME=home,
        RABBITMQ_NODENAME=f'n{where.port("rabbit")}@localhost',
        RABBITMQ_MNESIA_BASE=home / 'mnesia',
        RABBITMQ_LOG_BASE=where.log,
        RABBITMQ_CONFIG_FILE=home / 'rabbitmq',
        RABBITMQ_CONF_ENV_FILE='/dev/null',
        RABBITMQ_ENABLED_PLUGINS_FILE=home / 'plugins',
        RABBITMQ_DIST_PORT=where.port('rabbit-dist'),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='+sbwt none +sbwtdcpu none'
        ' +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
        ERL_EPMD_ADDRESS=place.HOST,
        ERL_EPMD_PORT=where.port('epmd'),
    )
    port = where.port('epmd')
    where.spawn('epmd', ['epmd', '-address', place.HOST, '-port', port], env)
    where.wait('epmd', lambda: listening(port), 20, 'epmd')
    found = sorted(
        pathlib.Path('/usr/lib/rabbitmq/lib').glob(
            'rabbitmq_server-*/sbin/rabbitmq-server'
        )
    )
    where.spawn('rabbitmq', [found[-1]], env)


def listening(port: int) -> bool:
    """Say whether somebody takes connections there."""
    with socket.create_connection((place.HOST, port), 1):
        return True


def schema(where: place.Place, name: str) -> None:
    """Make a service's tables, once."""
    mark = where.home / 'db' / f'{name}.made'
    if mark.exists():
        return
    place.say(f'{name}: tables')
    for program, *words in _schemas(where)[name]:
        conf = where.etc / _CONF[name]
        where.command(program, f'--config-file={conf}', *words)
    mark.touch()


_CONF = {
    'keystone': 'keystone/keystone.conf',
    'placement': 'placement/placement.conf',
    'glance': 'glance/glance-api.conf',
    'nova': 'nova/nova.conf',
}


def _schemas(where: place.Place) -> dict[str, list[tuple[object, ...]]]:
    root = ('--keystone-user', 'root', '--keystone-group', 'root')
    for part in ('fernet', 'credential'):
        (where.etc / 'keystone' / part).mkdir(mode=0o700, exist_ok=True)
    address = where.url('keystone')
    return {
        'keystone': [
            ('keystone-manage', 'db_sync'),
            ('keystone-manage', 'fernet_setup', *root),
            ('keystone-manage', 'credential_setup', *root),
            (
                'keystone-manage',
                'bootstrap',
                '--bootstrap-password',
                where.secret('admin'),
                '--bootstrap-region-id',
                place.REGION,
                '--bootstrap-public-url',
                address,
            ),
        ],
        'placement': [('placement-manage', 'db', 'sync')],
        'glance': [('glance-manage', 'db_sync')],
        'nova': [
            ('nova-manage', 'api_db', 'sync'),
            (
                'nova-manage',
                'cell_v2',
                'map_cell0',
                '--database_connection',
                where.database('nova_cell0'),
            ),
            ('nova-manage', 'db', 'sync'),
            ('nova-manage', 'cell_v2', 'create_cell', '--name', 'cell1'),
        ],
    }


def start_api(where: place.Place, name: str) -> None:
    """Start one API service; it answers a moment later."""
    etc = where.etc
    env = where.env(
        OS_KEYSTONE_CONFIG_DIR=etc / 'keystone',
        OS_PLACEMENT_CONFIG_DIR=etc / 'placement',
        OS_GLANCE_CONFIG_DIR=etc / 'glance',
        OS_NOVA_CONFIG_DIR=etc / 'nova',
        **({'PYTHONPATH': place.HERE.parent} if name == 'network' else {}),
    )
    words = [place.HERE / 'serve.py', MODULES[name], where.port(name)]
    where.spawn(name, [where.venv / 'bin/python', *words], env)


#: Where a service answers anybody with 200.
_ALIVE = {'glance': '/versions', 'keystone': '/v3'}


def wait_api(where: place.Place, name: str) -> None:
    """Return when a service answers."""
    path = _ALIVE.get(name, '/')
    address = f'http://{place.HOST}:{where.port(name)}{path}'
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    where.wait(
        name, lambda: opener.open(address, timeout=20).read(), 120, name
    )


def start_control(where: place.Place, name: str) -> None:
    """Start the conductor or the scheduler."""
    where.spawn(
        name,
        [
            where.venv / f'bin/nova-{name}',
            f'--config-file={where.etc}/nova/nova.conf',
        ],
    )
