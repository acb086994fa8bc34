# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL, private."""

import pathlib
import signal
import urllib.parse

from database import server


class Postgresql:
    """One PostgreSQL and its databases."""

    kind = 'postgresql'

    def __init__(self, **settings: str) -> None:
        """Prepare it; ``settings`` are PostgreSQL's own."""
        self._bin = _programs()
        self._settings = settings
        self._server = server.Server(self._words)

    def _words(self, one: server.Server) -> list[str]:
        settings = {
            'port': str(one.port),
            'listen_addresses': '127.0.0.1',
            'unix_socket_directories': str(one.home),
            'shared_buffers': '64MB',
            'max_connections': '60',
            # What it has must outlive its own end, not the machine's.
            'fsync': 'off',
            **self._settings,
        }
        return [
            f'{self._bin}/postgres',
            *('-D', f'{one.home}/data'),
            *(
                word
                for name, value in settings.items()
                for word in ('-c', f'{name}={value}')
            ),
        ]

    def up(self) -> None:
        """Start it; the first time with a user of ours."""
        new = not (self._server.home / 'data').exists()
        if new:
            self._server.run(
                f'{self._bin}/initdb',
                *('-D', self._server.home / 'data'),
                *('--no-sync', '-E', 'UTF8', '--locale=C.UTF-8'),
                *('-U', 'postgres', '--auth-local=trust'),
                '--auth-host=scram-sha-256',
            )
        self._server.start(lambda: self.sql('SELECT 1'))
        if new:
            quoted = server.PASSWORD.replace("'", "''")
            self.sql(
                f"CREATE ROLE {server.USER} LOGIN CREATEDB PASSWORD '{quoted}'"
            )

    def sql(self, text: str, database: str = 'postgres') -> str:
        """Return what its own shell says, as its superuser."""
        return self._server.run(
            f'{self._bin}/psql',
            *('-h', self._server.home, '-p', str(self._server.port)),
            *('-U', 'postgres', '-d', database, '-qAtX'),
            *('-v', 'ON_ERROR_STOP=1'),
            text=text,
        )

    def create(self, name: str) -> str:
        """Make a database; return its URL."""
        self.sql(f'CREATE DATABASE {name} OWNER {server.USER}')
        word = urllib.parse.quote(server.PASSWORD, safe='')
        return (
            f'postgresql+psycopg://{server.USER}:{word}@127.0.0.1:'
            f'{self._server.port}/{name}'
        )

    def drop(self, name: str) -> None:
        """Take a database away, whoever uses it."""
        self.sql(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)')

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._server.kill()

    def down(self) -> None:
        """End it in good order; what it has stays."""
        self._server.stop(signal.SIGINT)

    def wipe(self) -> None:
        """End it, and leave nothing."""
        self._server.wipe()


def _programs() -> pathlib.Path:
    """Return where Debian keeps the newest server's programs."""
    found = sorted(
        pathlib.Path('/usr/lib/postgresql').glob('*/bin/postgres'),
        key=lambda path: int(path.parts[4]),
    )
    if not found:
        raise server.ServerError('PostgreSQL is not installed')
    return found[-1].parent
