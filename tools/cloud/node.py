# SPDX-License-Identifier: Apache-2.0
"""Compute nodes: a mount and UTS namespace each, with a libvirtd of its own.

Guests have no network, so nodes need none: they migrate between addresses of
the loopback interface. Guests are not put into cgroups.
"""

import contextlib
import os
import pathlib
import signal
import subprocess
import uuid

from cloud import config, place

#: Folder inside a node -> folder of its state.
BINDS = {
    '/etc/libvirt': 'etc-libvirt',
    '/run/libvirt': 'run-libvirt',
    '/var/lib/libvirt': 'lib-libvirt',
    '/var/log/libvirt': 'log-libvirt',
    '/var/cache/libvirt': 'cache-libvirt',
    '/var/lib/nova': 'lib-nova',
}
#: So many nodes know each other by name.
_MOST = 9
MEMORY_RESERVED_MIB = 512


def address(index: int) -> str:
    """Return where a node takes migrations."""
    return f'127.0.0.{10 + index}'


def uri(where: place.Place, name: str) -> str:
    """Return a node's libvirt, from outside it."""
    sock = f'{where.nodes}/{name}/run-libvirt/libvirt-sock'
    return f'qemu+unix:///system?socket={sock}'


def configure(where: place.Place, index: int) -> None:
    """Write a node's files."""
    name, own = f'compute{index}', address(index)
    folder = where.nodes / name
    for inside, part in BINDS.items():
        (folder / part).mkdir(parents=True, exist_ok=True)
        pathlib.Path(inside).mkdir(parents=True, exist_ok=True)
    (folder / 'lib-nova/instances').mkdir(exist_ok=True)
    # Nova names the destination of a migration by its address.
    link = where.home / 'by-address' / own
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(folder)
    hosts = [f'{address(each)} compute{each}' for each in range(1, _MOST + 1)]
    (folder / 'hosts').write_text(
        '\n'.join(['127.0.0.1 localhost', *hosts]) + '\n'
    )
    identity = folder / 'uuid'
    if not identity.exists():
        identity.write_text(str(uuid.uuid4()))
    (folder / 'etc-libvirt/libvirtd.conf').write_text(
        'auth_unix_ro = "none"\nauth_unix_rw = "none"\n'
        'unix_sock_ro_perms = "0777"\nunix_sock_rw_perms = "0770"\n'
        f'host_uuid = "{identity.read_text()}"\n'
        'log_level = 3\nlog_outputs = "3:stderr"\n'
    )
    (folder / 'etc-libvirt/qemu.conf').write_text(
        f'migration_address = "{own}"\nmigration_host = "{own}"\n'
        'security_driver = "none"\nnamespaces = []\n'
        'cgroup_controllers = []\nstdio_handler = "file"\n'
        'user = "root"\ngroup = "root"\n'
    )
    found = config.nova(where, pathlib.Path('/var/lib/nova'))
    found['DEFAULT'] |= {
        'host': name,
        'my_ip': own,
        'compute_driver': 'libvirt.LibvirtDriver',
        'instances_path': '/var/lib/nova/instances',
        'resume_guests_state_on_host_boot': True,
        'reserved_host_memory_mb': MEMORY_RESERVED_MIB,
        'update_resources_interval': 15,
        # The guest does not hear the power button.
        'shutdown_timeout': 1,
        'initial_cpu_allocation_ratio': 8.0,
        'initial_ram_allocation_ratio': 1.5,
    }
    socket = f'{where.home}/by-address/%s/run-libvirt/libvirt-sock'
    found['libvirt'] = {
        'virt_type': 'qemu',
        'cpu_mode': 'none',
        'hw_machine_type': 'x86_64=pc',
        'live_migration_uri': f'qemu+unix:///system?socket={socket}',
        'live_migration_inbound_addr': own,
    }
    found['workarounds'] = {
        'skip_cpu_compare_on_dest': True,
        'skip_cpu_compare_at_startup': True,
        # An empty disk looks odd to the inspector; only migration asks it.
        'disable_deep_image_inspection': True,
    }
    config.write(folder / 'nova.conf', found)


def start(where: place.Place, index: int) -> None:
    """Start a node with its libvirtd."""
    name = f'compute{index}'
    folder = where.nodes / name
    if where.pid(f'{name}.node') is None:
        (folder / 'ready').unlink(missing_ok=True)
        mounts = [
            f'mount --bind {folder}/{part} {inside}'
            for inside, part in BINDS.items()
        ]
        script = ' && '.join(
            [
                *mounts,
                f'mount --bind {folder}/hosts /etc/hosts',
                f'hostname {name}',
                f'touch {folder}/ready',
                'exec sleep infinity',
            ]
        )
        words = ['unshare', '--mount', '--uts', '--propagation', 'private']
        where.spawn(f'{name}.node', [*words, 'sh', '-c', script])
        ready = folder / 'ready'
        where.wait(f'node {name}', ready.exists, 20, f'{name}.node')
    pid_file = '/run/libvirt/libvirtd.pid'
    spawn(where, name, 'libvirtd', 'libvirtd', '--pid-file', pid_file)


def start_nova(where: place.Place, name: str) -> None:
    """Start a node's nova-compute, when its libvirtd answers."""
    where.wait(
        f'libvirtd of {name}',
        lambda: (
            not subprocess.run(
                ['virsh', '-c', uri(where, name), 'version'],
                capture_output=True,
                check=False,
            ).returncode
        ),
        60,
        f'{name}.libvirtd',
    )
    program = where.venv / 'bin/nova-compute'
    conf = where.nodes / name / 'nova.conf'
    spawn(where, name, 'nova', program, f'--config-file={conf}')


def spawn(where: place.Place, name: str, what: str, *words: object) -> None:
    """Start something inside a node."""
    pid = where.pid(f'{name}.node')
    enter = ['nsenter', f'--target={pid}', '--mount', '--uts', '--']
    where.spawn(f'{name}.{what}', [*enter, *words])


def start_fake(where: place.Place, name: str) -> None:
    """Start a node of which Nova only pretends that it is one."""
    state = where.home / 'fakes' / name
    (state / 'locks').mkdir(parents=True, exist_ok=True)
    # The driver makes its id of the name; after a restart Nova wants it so.
    known = uuid.uuid5(uuid.NAMESPACE_DNS, name)
    (state / 'compute_id').write_text(str(known))
    found = config.nova(where, state)
    found['DEFAULT'] |= {
        'host': name,
        'compute_driver': 'fake.PredictableNodeUUIDDriver',
    }
    conf = where.etc / f'{name}.conf'
    config.write(conf, found)
    program = where.venv / 'bin/nova-compute'
    where.spawn(f'{name}.nova', [program, f'--config-file={conf}'])


def end_guests(where: place.Place, name: str) -> None:
    """End a node's guests, by the ids that its libvirtd wrote down."""
    for path in (where.nodes / name / 'run-libvirt/qemu').glob('*.pid'):
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text())
            words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes()
            if f'guest={path.stem},'.encode() in words:
                os.kill(pid, signal.SIGTERM)
