# SPDX-License-Identifier: Apache-2.0
"""promtool's word on metrics and rules: each alert comes, and only then."""

import json
import pathlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from kvm_insight.model import vitals
from kvm_insight.scrape import agent, page
from tests.unit.cmd import samples

AGENT = 'job="kvm-insight-agent",instance="c1"'
ANALYZER = 'job="kvm-insight-analyzer",instance="a1"'
PLANNER = 'job="kvm-insight-planner",instance="p1"'
FEED = 'job="kvm-insight-feed",instance="f1"'
API = 'job="kvm-insight-api",instance="w1"'
DOMAIN = f'{AGENT},domain="d",project_id="p"'
HOURS = '2h'


class Case(NamedTuple):
    """One alert: series that bring it about, and the labels it then has."""

    series: dict[str, str]
    labels: dict[str, str]


def labels(text: str) -> dict[str, str]:
    return dict(re.findall(r'(\w+)="([^"]*)"', text))


#: A fleet that is well, minute by minute over two hours; ``time()`` begins
#: at zero. A case below puts its own series in the place of these.
WELL = dict(
    line.split(' ', 1)
    for line in pathlib.Path(__file__)
    .with_name('well.series')
    .read_text()
    .splitlines()
)


def case(name: str, text: str, values: str, **expected: str) -> Case:
    """One series of the healthy fleet with other values; its labels come
    back, but for those that are none of the alert's."""
    found = labels(text)
    drop = {key for key, value in expected.items() if value == ''}
    kept = {k: v for k, v in found.items() if k not in drop}
    return Case(
        {f'kvm_insight_{name}{{{text}}}': values},
        kept | {k: v for k, v in expected.items() if v},
    )


NOBODY = {'job': '', 'instance': ''}
HERE = {'domain': '', 'project_id': ''}
CASES = {
    'KvmInsightTargetDown': Case({f'up{{{AGENT}}}': '0x130'}, labels(AGENT)),
    'KvmInsightDatabaseAway': case('store_up', API, '0x130'),
    'KvmInsightRecorderBehind': case(
        'store_newest_timestamp_seconds', API, '0x130'
    ),
    'KvmInsightBusAway': case('bus_up', AGENT, '0x130'),
    'KvmInsightLoopStuck': case(
        'analyzer_loop_timestamp_seconds', ANALYZER, '0x130'
    ),
    'KvmInsightSeriesLeftOut': case(
        'agent_omitted_domains', AGENT, '2x130', __name__=''
    ),
    'KvmInsightAgentSilent': case(
        'agent_sample_timestamp_seconds', AGENT, '0x130'
    ),
    'KvmInsightBusRefuses': case(
        'bus_state', f'{AGENT},state="refused"', '1x130'
    ),
    'KvmInsightSpoolFilling': case('spool_bytes', AGENT, '800x130'),
    'KvmInsightRecordsLost': case(
        'spool_dropped_records_total', AGENT, '5+1x130'
    ),
    'KvmInsightLedgerLostSource': case(
        'ledger_source', f'{AGENT},source="ebpf"', '1x60 0x70'
    ),
    'KvmInsightLedgerIncomplete': case(
        'ledger_completeness_ratio', AGENT, '0.5x130'
    ),
    'KvmInsightCollectorBroken': case(
        'agent_collector_success', f'{AGENT},collector="disk"', '0x130'
    ),
    'KvmInsightLibvirtSilent': case(
        'domain_libvirt_age_seconds', DOMAIN, '0+60x130', **HERE
    ),
    'KvmInsightHostSuffers': case(
        'analyzer_host_lost_cores', f'{ANALYZER},host="r/h"', '2x130'
    ),
    'KvmInsightDomainsWait': case(
        'domain_run_delay_seconds_total',
        f'{DOMAIN},thread="vcpu"',
        '0+50x130',
        thread='',
        **HERE,
    ),
    'KvmInsightHostMemoryStalls': case(
        'host_pressure_stalled_seconds_total',
        f'{AGENT},resource="memory",stall="full"',
        '0+12x130',
    ),
    'KvmInsightPacketsDropped': case(
        'domain_network_receive_dropped_total', DOMAIN, '0+900x130', **HERE
    ),
    'KvmInsightNoAnalyzer': case(
        'analyzer_partitions', ANALYZER, '_x130', **NOBODY
    ),
    'KvmInsightAnalyzerBehind': case(
        'analyzer_lag_samples', ANALYZER, '5000x130'
    ),
    'KvmInsightDeadLetters': case(
        'analyzer_dead_letters_total', ANALYZER, '3+1x130'
    ),
    'KvmInsightSamplesMissing': case(
        'analyzer_missing_samples_total', ANALYZER, '0+30x130'
    ),
    'KvmInsightNoActivePlanner': case(
        'planner_active', PLANNER, '0x130', **NOBODY
    ),
    'KvmInsightSeveralActivePlanners': case(
        'planner_active',
        'job="kvm-insight-planner",instance="p2"',
        '1x130',
        **NOBODY,
    ),
    'KvmInsightPlansNothing': case(
        'planner_lacks', f'{PLANNER},reason="cluster_old"', '1x130'
    ),
    'KvmInsightCloudStateOld': case(
        'planner_cluster_timestamp_seconds', PLANNER, '0x130'
    ),
    'KvmInsightHostsUnrelieved': case(
        'planner_unrelieved_hosts', PLANNER, '2x130'
    ),
    'KvmInsightTooManyHot': case('planner_mark_alarms', PLANNER, '1x130'),
    'KvmInsightMovesDoNotHelp': case(
        'planner_outcomes',
        f'{PLANNER},verdict="worse"',
        '10x130',
        verdict='',
        **NOBODY,
    ),
    'KvmInsightFeedFails': case('feed_works', f'{FEED},feed="nova"', '0x130'),
    'KvmInsightFeedFileOld': case(
        'feed_written_timestamp_seconds', f'{FEED},feed="nova"', '0x130'
    ),
}
#: With a planner that is away there is no series, but there is a target.
GONE = {name: '_x130' for name in WELL if 'planner_active{' in name}


def alerts(tree: pathlib.Path) -> dict[str, str]:
    """Each alert's severity."""
    text = (tree / 'etc/prometheus/alerts.yaml').read_text()
    found = re.findall(r'- alert: (\w+)\n.*?severity: (\w+)', text, re.DOTALL)
    return dict(found)


def fired(name: str, severity: str, labels_: dict[str, str]) -> Any:
    return {
        'eval_time': HOURS,
        'alertname': name,
        'exp_alerts': [{'exp_labels': labels_ | {'severity': severity}}],
    }


def series(values: dict[str, str]) -> list[dict[str, str]]:
    both = WELL | values
    assert set(values) <= set(WELL), set(values) - set(WELL)
    return [{'series': name, 'values': value} for name, value in both.items()]


def test_each_alert_comes_when_it_should_and_none_of_a_fleet_that_is_well(
    tree: pathlib.Path, tmp_path: pathlib.Path, promtool: Callable[..., str]
) -> None:
    known = alerts(tree)
    assert set(known) == set(CASES)
    quiet = [
        {'eval_time': when, 'alertname': name, 'exp_alerts': []}
        for name in known
        for when in ('30m', HOURS)
    ]
    tests = [{'input_series': series({}), 'alert_rule_test': quiet}]
    for name, one in CASES.items():
        tests.append(
            {
                'input_series': series(one.series),
                'alert_rule_test': [fired(name, known[name], one.labels)],
            }
        )
    away = 'KvmInsightNoActivePlanner'
    tests.append(
        {
            'input_series': series(GONE),
            'alert_rule_test': [fired(away, known[away], {})],
        }
    )
    folder = tree / 'etc/prometheus'
    # Only the labels are compared here: the words are for people.
    bare = tmp_path / 'alerts.yaml'
    text = (folder / 'alerts.yaml').read_text()
    bare.write_text(re.sub(r' +(annotations|summary):.*\n', '', text))
    whole = {
        'rule_files': [str(folder / 'recording.yaml'), str(bare)],
        'evaluation_interval': '5m',
        'tests': [{'interval': '1m', **one} for one in tests],
    }
    path = tmp_path / 'tests.yaml'
    path.write_text(json.dumps(whole))
    promtool('test', 'rules', path)


def test_rules_and_the_example_are_sound(
    tree: pathlib.Path, promtool: Callable[..., str]
) -> None:
    folder = tree / 'etc/prometheus'
    promtool('check', 'config', folder / 'scrape.yaml')
    for name in ('recording.yaml', 'alerts.yaml'):
        said = promtool(
            'check', 'rules', '--lint=all', '--lint-fatal', folder / name
        )
        assert 'SUCCESS' in said


def test_promtool_finds_nothing_wrong_with_our_names(
    promtool: Callable[..., str],
) -> None:
    transport = vitals.Transport('up', 1, 0, 0, 0, 0, 0, 100)
    exposed = agent.Exposed(lambda: transport, 1000)
    exposed.take(samples.host(1))
    made = page.Page(page.registry_of('agent', '1', exposed.points))
    body = made.render()[1].decode()
    assert promtool('check', 'metrics', given=body) == ''
