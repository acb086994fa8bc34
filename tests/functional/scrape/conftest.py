# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus on a private port, and promtool."""

import contextlib
import json
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import prometheus
import pytest


def free_port() -> int:
    with socket.socket() as one:
        one.bind(('127.0.0.1', 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope='session')
def promtool() -> Callable[..., str]:
    """Runs promtool; returns what it says, if it is content."""
    program = prometheus.folder() / 'promtool'

    def say(*words: str | pathlib.Path, given: str = '') -> str:
        done = subprocess.run(
            [program, *words],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return say


class Server:
    """One Prometheus; asks it over its API."""

    def __init__(self, port: int) -> None:
        self.url = f'http://127.0.0.1:{port}'

    def get(self, path: str, **query: str) -> Any:
        """Return what it answers; AssertionError with its words."""
        words = urllib.parse.urlencode(query)
        try:
            with urllib.request.urlopen(
                f'{self.url}/api/v1/{path}?{words}', timeout=20
            ) as answer:
                return json.load(answer)['data']
        except urllib.error.HTTPError as why:
            with why:
                raise AssertionError(why.read().decode()) from why

    def ask(self, expr: str) -> list[dict[str, Any]]:
        """Return the vector that this is now."""
        found: list[dict[str, Any]] = self.get('query', query=expr)['result']
        return found

    def wait_for(self, expr: str, within_s: float = 40) -> None:
        """Return when there is something."""
        until = time.monotonic() + within_s
        while not self.ask(expr):
            assert time.monotonic() < until, (
                expr,
                self.get('targets')['activeTargets'],
            )
            time.sleep(0.3)


@pytest.fixture
def serve(
    tree: pathlib.Path, tmp_path: pathlib.Path
) -> Iterator[Callable[..., Server]]:
    """Starts a Prometheus with our rules that scrapes jobs at these ports,
    with further settings of each job."""
    children: list[subprocess.Popen[bytes]] = []

    def start(jobs: dict[str, list[int]], **more: object) -> Server:
        folder = tmp_path / 'prometheus'
        folder.mkdir()
        config = {
            'global': {'scrape_interval': '1s', 'evaluation_interval': '1s'},
            'rule_files': [str(tree / 'etc/prometheus/recording.yaml')]
            + [str(tree / 'etc/prometheus/alerts.yaml')],
            'scrape_configs': [
                {
                    'job_name': name,
                    **more,
                    'static_configs': [
                        {'targets': [f'127.0.0.1:{port}' for port in ports]}
                    ],
                }
                for name, ports in jobs.items()
            ],
        }
        # JSON is YAML.
        (folder / 'prometheus.yml').write_text(json.dumps(config))
        port = free_port()
        log = (folder / 'log').open('wb')
        children.append(
            subprocess.Popen(
                [
                    prometheus.folder() / 'prometheus',
                    f'--config.file={folder}/prometheus.yml',
                    f'--storage.tsdb.path={folder}/data',
                    f'--web.listen-address=127.0.0.1:{port}',
                    '--log.level=warn',
                ],
                stdout=log,
                stderr=log,
            )
        )
        log.close()
        made = Server(port)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f'{made.url}/-/ready').close()
                return made
            assert time.monotonic() < until, (folder / 'log').read_text()
            time.sleep(0.2)

    yield start
    for child in children:
        child.kill()
        child.wait()
