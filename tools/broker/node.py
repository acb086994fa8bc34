# SPDX-License-Identifier: Apache-2.0
"""One broker process: up, killed, stopped, paused, wiped."""

import base64
import contextlib
import pathlib
import secrets
import shutil
import signal
import socket
import struct
import subprocess
import time
import uuid

from broker import jars, server


class Broker:
    """A Kafka broker on free ports of 127.0.0.1, all its data in ``home``."""

    def __init__(self, home: pathlib.Path) -> None:
        """Prepare; ``up`` starts it."""
        self.home = home
        self.passwords = server.make_passwords()
        self._ports = dict(
            zip(
                ('PLAINTEXT', 'CONTROLLER', 'SASL_SSL'),
                _free_ports(3),
                strict=True,
            )
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def servers(self) -> list[str]:
        """Where everybody may do everything."""
        return [f'{server.HOST}:{self._ports["PLAINTEXT"]}']

    @property
    def secured(self) -> dict[str, object]:
        """The driver's settings for the SASL_SSL port, without a user."""
        return {
            'servers': [f'{server.HOST}:{self._ports["SASL_SSL"]}'],
            'security_protocol': 'SASL_SSL',
            'sasl_mechanism': 'SCRAM-SHA-512',
            'tls_ca_file': str(self.home / 'ca.pem'),
        }

    def up(self) -> None:
        """Make and start a broker; it answers when this returns."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        secret = secrets.token_hex(12)
        server.make_certificates(self.home, secret)
        (self.home / 'log4j2.properties').write_text(server.LOG4J)
        (self.home / 'server.properties').write_text(
            server.properties(self.home, self._ports, self.passwords, secret)
        )
        self._format()
        self.start()

    def start(self, timeout_s: float = 90.0) -> None:
        """Start it, again perhaps, and wait until it answers."""
        self.launch()
        self.wait(timeout_s)

    def launch(self) -> None:
        """Start it and do not wait."""
        words = [*self._java('512m'), 'kafka.Kafka', self._file('properties')]
        with (self.home / 'out.log').open('ab') as out:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.home,
                start_new_session=True,
            )

    def wait(self, timeout_s: float = 90.0) -> None:
        """Return when it answers."""
        end = time.monotonic() + timeout_s
        while not self.answers():
            if self._process is None or self._process.poll() is not None:
                raise jars.BrokerError(f'broker ended: {self._tail()}')
            if time.monotonic() > end:
                raise jars.BrokerError(f'broker is not up: {self._tail()}')
            time.sleep(0.05)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self, timeout_s: float = 20.0) -> None:
        """End it in order."""
        self._signal(signal.SIGTERM)
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        self.kill()

    def pause(self) -> None:
        """Let it hang: connections stay, nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on after ``pause``."""
        self._signal(signal.SIGCONT)

    def wipe(self) -> None:
        """End it and remove all of it."""
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def answers(self, timeout_s: float = 1.0) -> bool:
        """Say whether it answers a request for metadata."""
        name = b'test'
        body = struct.pack('>hhih', 3, 4, 1, len(name)) + name
        body += struct.pack('>ib', 0, 0)
        address = (server.HOST, self._ports['PLAINTEXT'])
        try:
            with socket.create_connection(address, timeout_s) as sock:
                sock.sendall(struct.pack('>i', len(body)) + body)
                answer = sock.recv(16, socket.MSG_WAITALL)
        except OSError:
            return False
        # Four fields of four bytes: length, correlation, throttle, brokers.
        return len(answer) == 16 and struct.unpack('>4i', answer)[3] > 0

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[:22]
        words = [*self._java('256m'), 'kafka.tools.StorageTool', 'format']
        # The tool takes an id that begins with a dash for an option.
        words += ['-t', cluster.replace('-', 'a'), '-c']
        words += [self._file('properties')]
        for user, word in self.passwords.items():
            for name in ('SCRAM-SHA-512', 'SCRAM-SHA-256'):
                words += [
                    '--add-scram',
                    f'{name}=[name={user},password={word}]',
                ]
        done = subprocess.run(words, capture_output=True, check=False)
        if done.returncode:
            raise jars.BrokerError(f'cannot format: {done.stdout!r}')

    def _java(self, heap: str) -> list[str]:
        return [
            jars.java(),
            f'-Xmx{heap}',
            '-XX:+UseSerialGC',
            # Halves the CPU time that a start takes.
            '-XX:TieredStopAtLevel=1',
            '-Djava.awt.headless=true',
            f'-Dlog4j2.configurationFile={self.home}/log4j2.properties',
            f'-Dbroker.log={self._file("log")}',
            '-cp',
            jars.classpath(),
        ]

    def _file(self, tail: str) -> str:
        return str(self.home / f'server.{tail}')

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _tail(self) -> str:
        return ''.join(
            path.read_text(errors='replace')[-1500:]
            for path in (self.home / 'out.log', self.home / 'server.log')
            if path.exists()
        )


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind((server.HOST, 0))
        return [sock.getsockname()[1] for sock in sockets]
