# SPDX-License-Identifier: Apache-2.0
"""MariaDB, private."""

import getpass
import os
import urllib.parse

from database import server


class Mariadb:
    """One MariaDB and its databases."""

    kind = 'mariadb'

    def __init__(self) -> None:
        """Prepare it."""
        self._server = server.Server(self._words)

    def _words(self, one: server.Server) -> list[str]:
        return [
            'mariadbd',
            '--no-defaults',
            f'--datadir={one.home}/data',
            f'--socket={one.home}/sock',
            f'--pid-file={one.home}/pid',
            '--bind-address=127.0.0.1',
            f'--port={one.port}',
            '--skip-name-resolve',
            '--performance-schema=off',
            '--innodb-buffer-pool-size=96M',
            '--innodb-log-file-size=64M',
            '--max-connections=60',
            # What it has must outlive its own end, not the machine's.
            '--innodb-flush-log-at-trx-commit=2',
            # What a distribution's server has where nobody chose.
            '--character-set-server=latin1',
            '--collation-server=latin1_swedish_ci',
        ]

    def up(self) -> None:
        """Start it; the first time with a user of ours."""
        new = not (self._server.home / 'data').exists()
        if new:
            self._server.run(
                'mariadb-install-db',
                '--no-defaults',
                f'--datadir={self._server.home}/data',
                '--skip-test-db',
                f'--auth-root-socket-user={_owner()}',
                '--auth-root-authentication-method=socket',
                '--innodb-log-file-size=64M',
            )
        self._server.start(lambda: self.sql('SELECT 1'))
        if new:
            self.sql(
                f"CREATE USER {server.USER}@'127.0.0.1'"
                f" IDENTIFIED BY '{server.PASSWORD}'"
            )

    def sql(self, text: str, database: str = '') -> str:
        """Return what its own shell says, as its superuser."""
        return self._server.run(
            'mariadb',
            '--no-defaults',
            f'--socket={self._server.home}/sock',
            f'--user={_owner()}',
            '-N',
            *([database] if database else []),
            text=text,
        )

    def create(self, name: str) -> str:
        """Make a database; return its URL."""
        self.sql(
            f'CREATE DATABASE {name};'
            f" GRANT ALL ON {name}.* TO {server.USER}@'127.0.0.1'"
        )
        word = urllib.parse.quote(server.PASSWORD, safe='')
        return (
            f'mysql+pymysql://{server.USER}:{word}@127.0.0.1:'
            f'{self._server.port}/{name}'
        )

    def drop(self, name: str) -> None:
        """Take a database away, whoever uses it."""
        self.sql(f'DROP DATABASE IF EXISTS {name}')

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._server.kill()

    def down(self) -> None:
        """End it in good order; what it has stays."""
        self._server.stop()

    def wipe(self) -> None:
        """End it, and leave nothing."""
        self._server.wipe()


def _owner() -> str:
    return 'nobody' if os.geteuid() == 0 else getpass.getuser()
