# SPDX-License-Identifier: Apache-2.0
"""Where a service is to listen: off, taken, not here, no address."""

import contextlib
import pathlib
import socket
import time
import urllib.request

import pytest

from tests.functional.scrape import conftest, services

SERVICES = {
    'agent': 'agent_port',
    'analyzer': 'analyzer_port',
    'planner': 'planner_port',
    'feeder': 'feed_port',
}


def configured(folder: pathlib.Path, **metrics: str) -> pathlib.Path:
    """Write what each service could do with; return the file."""
    config = folder / 'kvm-insight.conf'
    described = folder / 'cluster.json'
    described.write_text('{}')
    services.configured(
        config,
        {
            'bus': {
                'path': f'{folder}/bus.db',
                'spool_path': f'{folder}/spool.db',
            },
            'agent': {
                'libvirt_uri': 'test:///default',
                'run_dir': f'{folder}',
            },
            'planner': {'cluster_file': str(described)},
            'feed': {'active': 'nova', 'snapshot_path': f'{folder}/n.json'},
            'metrics': metrics,
        },
    )
    return config


def said(
    folder: pathlib.Path, name: str, **metrics: str
) -> tuple[int, list[str]]:
    """Start a service that is not to live; return its end and its words."""
    child = services.start(name, configured(folder, **metrics))
    _, words = child.communicate(timeout=60)
    return child.returncode, words.splitlines()


@pytest.mark.parametrize('name', SERVICES)
def test_a_port_that_is_taken_keeps_it_from_starting(
    tmp_path: pathlib.Path, name: str
) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        code, lines = said(
            tmp_path, name, listen='127.0.0.1', **{SERVICES[name]: port}
        )
    # Not 2, after which systemd would not try again.
    assert code == 1, lines
    assert f'[metrics] listen = 127.0.0.1, port {port}: ' in lines[-1]
    assert 'another program has it' in lines[-1]
    assert 'Traceback' not in '\n'.join(lines)


@pytest.mark.parametrize('words', ['localhost', '127.0.0.1:9100', 'nonsense'])
def test_what_is_no_address_is_a_mistake_in_the_configuration(
    tmp_path: pathlib.Path, words: str
) -> None:
    code, lines = said(tmp_path, 'analyzer', listen=words)
    assert code == 2, lines
    assert '[metrics] listen' in lines[-1]


def test_an_address_of_another_machine_is_said_so(
    tmp_path: pathlib.Path,
) -> None:
    port = str(conftest.free_port())
    code, lines = said(
        tmp_path, 'analyzer', listen='192.0.2.1', analyzer_port=port
    )
    assert code == 1, lines
    assert 'this machine does not have that address' in lines[-1]


def test_standalone_serves_each_of_its_services_at_its_port(
    tmp_path: pathlib.Path,
) -> None:
    names = ('agent', 'analyzer', 'planner')
    ports = {f'{name}_port': str(conftest.free_port()) for name in names}
    config = configured(tmp_path, listen='127.0.0.1', **ports)
    child = services.start(
        'insight', config, 'standalone', '--state', str(tmp_path)
    )
    try:
        for name in names:
            build = f'kvm_insight_build_info{{service="{name}",'
            assert build in page(int(ports[f'{name}_port'])), name
    finally:
        child.terminate()
        _, words = child.communicate(timeout=60)
    assert child.returncode == 0, words


def page(port: int, within_s: float = 30) -> str:
    """Return what is served there, as soon as something is."""
    until = time.monotonic() + within_s
    while True:
        with contextlib.suppress(OSError):
            url = f'http://127.0.0.1:{port}/metrics'
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        assert time.monotonic() < until, port
        time.sleep(0.2)
