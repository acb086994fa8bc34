# SPDX-License-Identifier: Apache-2.0
"""A private libvirtd and its guests; all state is in one folder.

As root, libvirtd runs in its own mount namespace with its own run folder, so
it neither sees nor disturbs a libvirt of the machine. Otherwise it is
libvirt's session daemon, which knows no cgroups and so no quota.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
import signal
import subprocess
import time
import uuid

from lab import failure, guest, image, process

CONTROLLERS = ('cpu', 'cpuacct', 'cpuset', 'memory', 'unified')
CGROUP = pathlib.Path('/sys/fs/cgroup')
QEMU_CONF = (
    'security_driver = "none"\nstdio_handler = "file"\n'
    'remember_owner = 0\nnamespaces = []\n'
)
ROOT_CONF = (
    'user = "root"\ngroup = "root"\ndynamic_ownership = 0\n'
    'cgroup_controllers = ["cpu", "cpuacct", "cpuset", "memory"]\n'
)
LIBVIRTD_CONF = (
    'auth_unix_ro = "none"\nauth_unix_rw = "none"\n'
    'log_level = 3\nlog_outputs = "3:stderr"\n'
)


class Lab:
    """One private libvirtd with its guests; all state is in ``home``."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.is_root = os.geteuid() == 0
        digest = hashlib.sha256(str(home).encode()).hexdigest()[:8]
        self.partition = f'kvmlab{digest}'
        self.run = home / 'run' if self.is_root else home / 'run/libvirt'
        self.socket = self.run / 'libvirt-sock'
        self._pid = home / 'libvirtd.pid'
        #: Kept, since Python warns of a child that runs and is forgotten.
        self._child: subprocess.Popen[bytes] | None = None
        self.place = guest.Place(
            kernel=home / 'vmlinuz',
            initrd=home / 'initrd.gz',
            folder=home / 'guests',
            partition=self.partition if self.is_root else None,
        )

    @property
    def uri(self) -> str:
        """Where libvirt clients find it."""
        kind = 'system' if self.is_root else 'session'
        return f'qemu:///{kind}?socket={self.socket}'

    @property
    def pid_folder(self) -> pathlib.Path:
        """Folder of libvirt's pid files: ``/run/libvirt/qemu`` elsewhere."""
        return self.run / 'qemu' if self.is_root else self.run / 'qemu/run'

    # -- libvirtd -----------------------------------------------------------

    def up(self) -> None:
        """Start libvirtd unless it runs; make kernel and initramfs."""
        for folder in ('run', 'lib', 'log', 'cache', 'etc', 'guests'):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o755)
        image.make(self.place.kernel, self.place.initrd)
        if self.is_root:
            self._partition(make=True)
        if self.libvirtd_pid() is None:
            self._start_libvirtd()

    def _start_libvirtd(self) -> None:
        for stale in self.run.glob('libvirt-sock*'):
            stale.unlink()
        words, environment = self._command()
        with (self.home / 'libvirtd.log').open('ab') as log:
            child = self._child = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
        self._pid.write_text(process.identity(child.pid))
        for _ in range(150):
            if self.socket.exists() and self._answers():
                return
            if child.poll() is not None:
                break
            time.sleep(0.2)
        tail = (self.home / 'libvirtd.log').read_text()[-1500:]
        raise failure.LabError(f'libvirtd does not come up:\n{tail}')

    def _command(self) -> tuple[list[str], dict[str, str]]:
        binary = shutil.which('libvirtd') or '/usr/sbin/libvirtd'
        if not pathlib.Path(binary).exists():
            raise failure.LabError('no libvirtd; install libvirt-daemon')
        etc = self.home / 'etc'
        if not self.is_root:
            folder = etc / 'libvirt'
            folder.mkdir(exist_ok=True)
            (folder / 'qemu.conf').write_text(QEMU_CONF)
            (folder / 'libvirtd.conf').write_text(LIBVIRTD_CONF)
            own = {
                'XDG_RUNTIME_DIR': str(self.home / 'run'),
                'XDG_CONFIG_HOME': str(etc),
                'XDG_CACHE_HOME': str(self.home / 'cache'),
                'XDG_DATA_HOME': str(self.home / 'lib'),
            }
            return [binary], os.environ | own
        (etc / 'qemu.conf').write_text(QEMU_CONF + ROOT_CONF)
        # Else libvirt takes two labs for one host, and migrates nothing.
        host = uuid.uuid5(uuid.NAMESPACE_URL, str(self.home))
        (etc / 'libvirtd.conf').write_text(
            f'{LIBVIRTD_CONF}host_uuid = "{host}"\n'
        )
        script = self._mounts()
        script.append(
            f'exec {binary} -f /etc/libvirt/libvirtd.conf'
            ' -p /run/libvirt/libvirtd.pid'
        )
        words = ['unshare', '-m', '--propagation', 'private']
        words += ['sh', '-c', '\n'.join(script)]
        return words, dict(os.environ)

    def _mounts(self) -> list[str]:
        binds = {
            self.run: '/run/libvirt',
            self.home / 'lib': '/var/lib/libvirt',
            self.home / 'log': '/var/log/libvirt',
            self.home / 'cache': '/var/cache/libvirt',
            self.home / 'etc': '/etc/libvirt',
        }
        for target in binds.values():
            pathlib.Path(target).mkdir(parents=True, exist_ok=True)
        binds |= self._accounts()
        return ['set -e'] + [
            f'mount --bind "{source}" {target}'
            for source, target in binds.items()
        ]

    def _accounts(self) -> dict[pathlib.Path, str]:
        """Add QEMU's user, which only another package would make."""
        lines = {
            'passwd': ['libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin'],
            'group': ['libvirt-qemu:x:64055:', 'kvm:x:64054:'],
        }
        binds = {}
        for name, extra in lines.items():
            present = pathlib.Path('/etc', name).read_text().splitlines()
            known = {line.split(':')[0] for line in present}
            missing = [
                line for line in extra if line.split(':')[0] not in known
            ]
            copy = self.home / name
            copy.write_text('\n'.join([*present, *missing, '']))
            binds[copy] = f'/etc/{name}'
        return binds

    def _answers(self) -> bool:
        done = self.virsh('list', '--name', check=False)
        return done.returncode == 0

    def libvirtd_pid(self) -> int | None:
        """PID of libvirtd, None while it does not run."""
        return process.alive(self._pid)

    def kill_libvirtd(self, number: int = signal.SIGTERM) -> None:
        """End libvirtd only; the guests live on, as they do elsewhere."""
        process.end(self._pid, number)
        if self._child is not None:
            # Its first thread may be a zombie while the others still end.
            self._child.wait(10)

    def down(self) -> None:
        """End the guests, libvirtd and what they left in the cgroups."""
        pids = self.qemu_pids()
        if self.libvirtd_pid() is not None:
            for name in self.names():
                self.virsh('destroy', name, check=False)
        self.kill_libvirtd()
        for pid in pids.values():
            if str(self.home).encode() in process.command_line(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        if self.is_root:
            self._partition(make=False)

    def _partition(self, *, make: bool) -> None:
        """Guests of two labs with one name must not share a cgroup."""
        roots = [CGROUP / name for name in CONTROLLERS]
        if (CGROUP / 'cgroup.controllers').exists():
            roots = [CGROUP]
        for root in roots:
            if root.is_dir():
                with contextlib.suppress(OSError):
                    top = root / f'{self.partition}.partition'
                    _make_cgroup(top) if make else _remove_cgroup(top)

    # -- guests -------------------------------------------------------------

    def start(self, new: guest.Guest) -> guest.Guest:
        """Start a guest; it needs some seconds until its load begins."""
        path = self.place.folder / f'{new.name}.xml'
        self.place.console(new.name).unlink(missing_ok=True)
        if new.disk:
            with self.place.image(new.name).open('wb') as sink:
                sink.truncate(64 << 20)
        path.write_text(guest.xml(new, self.place))
        self.virsh('create', str(path))
        return new

    def stop(self, *names: str) -> None:
        """Destroy these guests; those that are gone are no error."""
        for name in names:
            self.virsh('destroy', name, check=False)

    def console(self, name: str) -> str:
        """Return what the guest printed until now."""
        path = self.place.console(name)
        return path.read_text(errors='replace') if path.exists() else ''

    def names(self) -> list[str]:
        """Return the names of the domains that run."""
        return self.virsh('list', '--name').stdout.split()

    def qemu_pids(self) -> dict[str, int]:
        """Return the QEMU process of each domain."""
        pids = {}
        for path in self.pid_folder.glob('*.pid'):
            with contextlib.suppress(OSError, ValueError):
                pid = int(path.read_text())
                if b'qemu' in process.command_line(pid):
                    pids[path.stem] = pid
        return pids

    def virsh(
        self, *words: str, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run virsh on this libvirtd."""
        done = subprocess.run(
            ['virsh', '-q', '-c', self.uri, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise failure.LabError(f'virsh {words[0]}: {done.stderr.strip()}')
        return done


def _make_cgroup(top: pathlib.Path) -> None:
    top.mkdir(exist_ok=True)
    # An empty v1 cpuset lets nobody in.
    for name in ('cpuset.cpus', 'cpuset.mems'):
        if top.parent.name == 'cpuset':
            (top / name).write_text((top.parent / name).read_text())


def _remove_cgroup(top: pathlib.Path) -> None:
    for _ in range(20):  # a killed process leaves its cgroup a bit later
        with contextlib.suppress(OSError):
            for path in sorted(top.rglob('*'), reverse=True):
                if path.is_dir():
                    path.rmdir()
            top.rmdir()
        if not top.exists():
            return
        time.sleep(0.1)
