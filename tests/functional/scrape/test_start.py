# SPDX-License-Identifier: Apache-2.0
"""Where a service is to listen: off, taken, not here, no address."""

import pathlib
import socket

import pytest

from tests.functional.scrape import conftest, services

SERVICES = {
    'agent': 'agent_port',
    'analyzer': 'analyzer_port',
    'planner': 'planner_port',
    'feeder': 'feed_port',
}


def said(
    folder: pathlib.Path, name: str, **metrics: str
) -> tuple[int, list[str]]:
    """Start a service that is not to live; return its end and its words."""
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
    child = services.start(name, config)
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
