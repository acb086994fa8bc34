# SPDX-License-Identifier: Apache-2.0
"""Dashboards and rules speak of what is exposed, and are explained."""

import json
import pathlib
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kvm_insight.scrape import agent, analyzer, api, feeder, page, planner

EXPOSED = {
    one.exposed
    for one in (
        *page.FAMILIES,
        *agent.FAMILIES,
        *analyzer.FAMILIES,
        *planner.FAMILIES,
        *feeder.FAMILIES,
        *api.FAMILIES,
    )
}
#: A regular expression over names, and what it stands for.
PATTERN = 'kvm_insight_(analyzer|planner|feed)_loop_timestamp_seconds'
RECORDED = re.compile(r'^ +- record: (\S+)$', re.MULTILINE)
ALERT = re.compile(r'^ +- alert: (\S+)$', re.MULTILINE)


@pytest.fixture
def boards(tree: pathlib.Path) -> dict[str, Any]:
    found = {
        path.stem: json.loads(path.read_text())
        for path in (tree / 'etc/grafana').glob('*.json')
    }
    assert set(found) == {'fleet', 'host', 'pipeline'}
    return found


def exprs(board: Any) -> Iterator[str]:
    """All that a dashboard asks."""
    for panel in board['panels']:
        for target in panel.get('targets') or []:
            yield target['expr']
    for variable in board['templating']['list']:
        if variable['type'] == 'query':
            yield variable['query']['query']


def names(text: str) -> set[str]:
    """Families that are named; recorded ones have a colon before."""
    return set(re.findall(r'(?<![:\w])kvm_insight_\w+', text))


def test_the_dashboards_are_what_the_tool_makes(tree: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, 'tools/dashboards.py', '--check'],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_grafana_s_own_types_keep_all_of_a_dashboard(
    boards: dict[str, Any],
) -> None:
    """Read by them and written again it is the same: no field of it is one
    that Grafana does not know."""
    from grafana_foundation_sdk.cog import encoder, plugins
    from grafana_foundation_sdk.models import dashboard

    plugins.register_default_plugins()
    for board in boards.values():
        back = dashboard.Dashboard.from_json(board)
        assert json.loads(encoder.JSONEncoder().encode(back)) == board


def test_each_dashboard_can_be_imported_and_found(
    boards: dict[str, Any],
) -> None:
    assert len({board['uid'] for board in boards.values()}) == len(boards)
    for board in boards.values():
        ids = [panel['id'] for panel in board['panels']]
        assert len(set(ids)) == len(ids)
        source = board['templating']['list'][0]
        assert (source['name'], source['type']) == ('datasource', 'datasource')
        for panel in board['panels']:
            if panel['type'] == 'row':
                continue
            assert panel['datasource']['uid'] == '${datasource}'
            place = panel['gridPos']
            assert place['x'] + place['w'] <= 24


def test_dashboards_and_rules_name_nothing_that_is_not_exposed(
    tree: pathlib.Path, boards: dict[str, Any]
) -> None:
    rules = [
        (tree / 'etc/prometheus' / name).read_text()
        for name in ('recording.yaml', 'alerts.yaml')
    ]
    recorded = set(RECORDED.findall(rules[0]))
    assert len(recorded) > 5
    asked = [one for board in boards.values() for one in exprs(board)]
    groups = {'kvm_insight_' + word for word in ('recording', 'services')}
    groups |= set(re.findall(r'- name: (\w+)', '\n'.join(rules)))
    for text in [*asked, *rules]:
        plain = text.replace(PATTERN, '')
        assert names(plain) - groups <= EXPOSED, text
        for one in re.findall(r'\b\w+:kvm_insight_\w+:\w+', plain):
            assert one in recorded, text


def test_each_alert_says_what_it_means_and_what_to_do(
    tree: pathlib.Path,
) -> None:
    alerts = ALERT.findall((tree / 'etc/prometheus/alerts.yaml').read_text())
    page_ = (tree / 'doc/source/monitoring.md').read_text()
    explained = re.findall(r'^### (\w+)\n(?=\S)', page_, re.MULTILINE)
    assert sorted(alerts) == sorted(explained)
    assert len(set(alerts)) == len(alerts)
