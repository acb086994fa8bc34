# SPDX-License-Identifier: Apache-2.0
"""A real Prometheus scrapes our real services; each panel's query answers."""

import json
import pathlib
import re
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from lab import daemon

from kvm_insight.model import codec
from kvm_insight.simulate import cluster
from tests.functional import conftest as lab_fixtures
from tests.functional.planner import test_standalone
from tests.functional.scrape import conftest, services

JOBS = {'agent': 'agent', 'analyzer': 'analyzer', 'planner': 'planner'} | {
    'feeder': 'feed'
}
#: Nothing is wrong here; the guests read no disk and have no network.
EMPTY = {'Broken collectors', 'Disk latency', 'Network throughput'}


class Fleet(NamedTuple):
    """What runs, where it can be scraped, and who its instances are."""

    ports: dict[str, int]
    agent: 'subprocess.Popen[str]'
    lab: daemon.Lab
    guests: dict[str, str]

    def body(self, name: str) -> str:
        """What one service exposes now."""
        url = f'http://127.0.0.1:{self.ports[name]}/metrics'
        with urllib.request.urlopen(url, timeout=20) as answer:
            return str(answer.read().decode())


@pytest.fixture
def fleet(
    lab: daemon.Lab, guests: lab_fixtures.Guests, tmp_path: pathlib.Path
) -> Iterator[Fleet]:
    """One host with two guests on one CPU, and simulated ones that suffer,
    all on one bus; each service as a process of its own."""
    made = {
        name: guests.start(name, '0', '600:100', disk=True).uuid
        for name in ('scraped-a', 'scraped-b')
    }
    hosts = test_standalone.scenes()
    test_standalone.simulated(tmp_path, hosts)
    described = tmp_path / 'cluster.json'
    hours_s = test_standalone.HOURS * 3600
    described.write_bytes(codec.encode(cluster.of(hosts, hours_s)))
    ports = {name: conftest.free_port() for name in JOBS}
    config = tmp_path / 'kvm-insight.conf'
    services.configured(
        config,
        {
            'bus': {
                'path': f'{tmp_path}/bus.db',
                'spool_path': f'{tmp_path}/spool.db',
            },
            'agent': {
                'libvirt_uri': lab.uri,
                'run_dir': str(lab.pid_folder),
                'host': 'r/real',
                'interval_s': '1',
                'tick_s': '0.4',
                'survey_s': '1',
            },
            'planner': {
                'cluster_file': str(described),
                'cycle_s': '1',
                'least_fresh': '0.1',
            },
            'feed': {
                'active': 'nova,topic',
                'snapshot_path': f'{tmp_path}/nova.json',
                'write_every_s': '1',
            },
            'metrics': {'listen': '127.0.0.1'}
            | {
                f'{JOBS[name]}_port': str(port) for name, port in ports.items()
            },
        },
    )
    guests.wait_booted()
    with services.running(list(JOBS), config) as children:
        yield Fleet(ports, children['agent'], lab, made)


def queries(tree: pathlib.Path) -> Iterator[tuple[str, str, str]]:
    """Dashboard, title and expression of all panels."""
    for path in sorted((tree / 'etc/grafana').glob('*.json')):
        for panel in json.loads(path.read_text())['panels']:
            for target in panel.get('targets') or []:
                yield path.stem, panel['title'], target['expr']


def choices(tree: pathlib.Path) -> Iterator[tuple[str, str]]:
    """Family and label that a dashboard lets choose from."""
    for path in sorted((tree / 'etc/grafana').glob('*.json')):
        for one in json.loads(path.read_text())['templating']['list']:
            if one['type'] == 'query':
                query = one['query']['query']
                found = re.fullmatch(r'label_values\((.*), (\w+)\)', query)
                assert found, query
                yield found[1], found[2]


def test_a_real_prometheus_reads_all_services_and_answers_each_panel(
    fleet: Fleet,
    serve: Callable[..., conftest.Server],
    promtool: Callable[..., str],
    tree: pathlib.Path,
) -> None:
    server = serve(
        {
            f'kvm-insight-{JOBS[name]}': [port]
            for name, port in fleet.ports.items()
        }
    )
    for expr in (
        'up{job="kvm-insight-feed"} == 1',
        'kvm_insight_planner_recommendations{state="proposed"} > 0',
        'kvm_insight_analyzer_open_findings > 0',
        'kvm_insight_analyzer_host_lost_cores{host="r/real"}',
        'rate(kvm_insight_domain_waited_seconds_total'
        '{class="neighbour"}[30s]) > 0.1',
        'domain:kvm_insight_domain_run_delay:ratio_rate5m > 0.1',
        'project:kvm_insight_domain_caused_wait:cores_rate5m > 0',
        'instance:kvm_insight_analyzer_cpu:seconds_per_sample_rate5m > 0',
    ):
        server.wait_for(expr)

    _all_targets_are_well(server)
    _rules_are_evaluated(server)
    real = {
        '$host': 'r/real',
        '$instance': f'127.0.0.1:{fleet.ports["agent"]}',
    }
    for family, label in choices(tree):
        expr = _filled(family, real)
        assert server.ask(f'count by ({label}) ({expr})'), family
    empty = set()
    for board, title, expr in queries(tree):
        if not server.ask(_filled(expr, real)):
            empty.add((board, title, expr))
    assert {title for _, title, _ in empty} <= EMPTY, empty

    for name in fleet.ports:
        body = fleet.body(name)
        assert promtool('check', 'metrics', given=body) == '', name
        for guest in fleet.guests:
            assert guest not in body
    _the_agent_stays_small(fleet)
    _a_guest_that_is_gone_is_not_shown(fleet, server)


def _filled(expr: str, real: dict[str, str]) -> str:
    expr = expr.replace('$__rate_interval', '30s')
    for name, value in real.items():
        expr = expr.replace(name, value)
    assert '$' not in expr, expr
    return expr


def _all_targets_are_well(server: conftest.Server) -> None:
    targets = server.get('targets')['activeTargets']
    assert len(targets) == len(JOBS)
    for one in targets:
        assert (one['health'], one['lastError']) == ('up', ''), one
        assert one['lastScrapeDuration'] < 1.0, one


def _rules_are_evaluated(server: conftest.Server) -> None:
    rules = [
        rule
        for group in server.get('rules')['groups']
        for rule in group['rules']
    ]
    assert len(rules) > 30
    bad = [(one['name'], one.get('lastError')) for one in rules]
    bad = [
        both
        for both, one in zip(bad, rules, strict=True)
        if one['health'] == 'err'
    ]
    assert bad == []


def _the_agent_stays_small(fleet: Fleet) -> None:
    status = pathlib.Path(f'/proc/{fleet.agent.pid}/status').read_text()
    peak = re.search(r'^VmHWM:\s+(\d+) kB', status, re.MULTILINE)
    assert peak
    assert int(peak[1]) < 64 * 1024
    maps = pathlib.Path(f'/proc/{fleet.agent.pid}/maps').read_text()
    assert 'numpy' not in maps


def _a_guest_that_is_gone_is_not_shown(
    fleet: Fleet, server: conftest.Server
) -> None:
    """And scrapers that hang meanwhile keep nobody from seeing that."""
    uuid = fleet.guests['scraped-b']
    hung = [
        socket.create_connection(('127.0.0.1', fleet.ports['agent']), 5)
        for _ in range(20)
    ]
    before = server.ask('kvm_insight_agent_samples_total')[0]['value'][1]
    assert uuid in fleet.body('agent')
    fleet.lab.stop('scraped-b')
    shown = f'kvm_insight_domain_state{{domain="{uuid}"}}'
    until = time.monotonic() + 20
    while server.ask(shown):
        assert time.monotonic() < until
        time.sleep(0.3)
    assert uuid not in fleet.body('agent')
    after = server.ask('kvm_insight_agent_samples_total')[0]['value'][1]
    assert float(after) > float(before)
    for one in hung:
        one.close()
