# SPDX-License-Identifier: Apache-2.0
"""Where one cloud has its files, ports, passwords and processes."""

import contextlib
import hashlib
import json
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from lab import process

HERE = pathlib.Path(__file__).resolve().parent
HOST = '127.0.0.1'
REGION = 'RegionOne'
SERVICES = ('keystone', 'nova', 'placement', 'glance', 'network')
#: Erlang's epmd among them: RabbitMQ must not meet one that is there.
_PORTS = (*SERVICES, 'rabbit', 'rabbit-dist', 'epmd', 'mysql')
_PATHS = {'keystone': '/v3', 'nova': '/v2.1'}
_KEPT = ('HOME', 'LANG', 'USER', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE')


class CloudError(Exception):
    """The cloud cannot be installed, started or asked."""


def venv() -> pathlib.Path:
    """Return where the services' Python is: one for each set of versions."""
    digest = hashlib.sha256()
    for name in ('requirements.txt', 'constraints.txt'):
        digest.update((HERE / name).read_bytes())
    cache = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    name = f'cloud-{digest.hexdigest()[:12]}'
    return pathlib.Path(cache) / 'kvm-insight' / name


class Place:
    """The folder of one cloud."""

    def __init__(self, home: pathlib.Path) -> None:
        """Use this folder; ports and passwords are chosen once."""
        self.home = home.absolute()
        self.etc, self.run, self.log = (
            self.home / part for part in ('etc', 'run', 'log')
        )
        self.nodes = self.home / 'nodes'
        self.venv = venv()
        self._kept: dict[str, dict[str, str]] = {}

    def make(self) -> None:
        """Make the folders; guests' files must be reached through them."""
        for folder in (self.home, self.etc, self.run, self.log, self.nodes):
            folder.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o711)
        self.etc.chmod(0o700)

    def _known(self, kind: str, name: str, make: Callable[[], str]) -> str:
        if not self._kept and (self.home / 'choices.json').exists():
            self._kept = json.loads((self.home / 'choices.json').read_text())
        found = self._kept.setdefault(kind, {})
        if name not in found:
            found[name] = make()
            path = self.home / 'choices.json'
            path.touch(0o600)
            path.write_text(json.dumps(self._kept, indent=1))
        return found[name]

    def port(self, name: str) -> int:
        """Return a service's port: a free one when it was first asked."""
        assert name in _PORTS, name
        return int(self._known('port', name, _free))

    def secret(self, name: str) -> str:
        """Return a password of this cloud."""
        return self._known('secret', name, lambda: secrets.token_hex(16))

    def url(self, service: str) -> str:
        """Return a service's address."""
        path = _PATHS.get(service, '')
        return f'http://{HOST}:{self.port(service)}{path}'

    def database(self, name: str) -> str:
        """Return the address of a database."""
        user = f'openstack:{self.secret("mysql")}'
        port = self.port('mysql')
        return f'mysql+pymysql://{user}@{HOST}:{port}/{name}?charset=utf8mb4'

    def env(self, **more: object) -> dict[str, str]:
        """Return what the cloud's processes see of the environment."""
        kept = {
            key: value
            for key, value in os.environ.items()
            if key in _KEPT
            or key.startswith(('PIP_', 'UV_'))
            or key.lower().endswith('_proxy')
        }
        folders = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin'
        kept['PATH'] = f'{self.venv}/bin:{folders}:/bin'
        kept['no_proxy'] = kept['NO_PROXY'] = '127.0.0.0/8,localhost'
        kept['PYTHONWARNINGS'] = 'ignore'
        return kept | {key: str(value) for key, value in more.items()}

    def pid(self, name: str) -> int | None:
        """Return the process that was started under that name."""
        return process.alive(self.run / f'{name}.pid')

    def names(self) -> list[str]:
        """Return the names of all that was started and not stopped."""
        return sorted(path.stem for path in self.run.glob('*.pid'))

    def spawn(
        self,
        name: str,
        words: Sequence[object],
        env: Mapping[str, str] | None = None,
    ) -> int:
        """Start what stays in the foreground, unless it runs already."""
        pid = self.pid(name)
        if pid is not None:
            return pid
        with (self.log / f'{name}.log').open('ab') as log:
            child = subprocess.Popen(
                [str(word) for word in words],
                cwd=self.home,
                env=env or self.env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        # Its return code is of no use, and a warning would be an error.
        child.returncode = 0
        path = self.run / f'{name}.pid'
        path.write_text(process.identity(child.pid))
        return child.pid

    def stop(self, *names: str) -> None:
        """Stop several at once: they take their time side by side."""
        for name in names:
            pid = self.pid(name)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        for name in names:
            path = self.run / f'{name}.pid'
            process.end(path)
            path.unlink(missing_ok=True)

    def command(
        self, *words: object, env: Mapping[str, str] | None = None
    ) -> None:
        """Run a command to its end; CloudError with its last words."""
        path = self.log / 'commands.log'
        with path.open('ab') as log:
            log.write(f'\n# {" ".join(map(str, words))}\n'.encode())
            log.flush()
            done = subprocess.run(
                [str(word) for word in words],
                cwd=self.home,
                env=env or self.env(),
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            last = path.read_text(errors='replace').splitlines()[-15:]
            raise CloudError('\n'.join([*last, f'{words[0]} failed']))

    def wait(
        self,
        what: str,
        done: Callable[[], object],
        within_s: float = 120,
        name: str | None = None,
    ) -> None:
        """Return when it is so; ``name`` is the process that has to run."""
        until = time.monotonic() + within_s
        problem: object = 'not yet'
        while time.monotonic() < until:
            try:
                if done():
                    return
            except Exception as why:
                # Whatever fails while it starts means: not yet.
                problem = why
            if name is not None and self.pid(name) is None:
                raise CloudError(f'{name} ended; see {self.log}/{name}.log')
            time.sleep(0.2)
        raise CloudError(f'waited {within_s:g} s for {what}: {problem}')


def say(*words: object) -> None:
    """Tell how it goes on."""
    print('cloud:', *words, file=sys.stderr, flush=True)


def _free() -> str:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return str(one.getsockname()[1])
