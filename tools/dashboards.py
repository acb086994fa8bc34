#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes Grafana's dashboards, with Grafana's own types.

``tools/dashboards.py`` writes ``etc/grafana``; ``--check`` says whether what
is there is current.
"""

import argparse
import json
import pathlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import common as common_builder
from grafana_foundation_sdk.builders import (
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.cog import encoder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as prometheus_model

FOLDER = pathlib.Path(__file__).resolve().parent.parent / 'etc/grafana'
SOURCE = model.DataSourceRef(type_val='prometheus', uid='${datasource}')


class Panel(NamedTuple):
    """One panel: what it asks, and how that is shown."""

    title: str
    #: Expression and legend, as often as there are lines.
    asks: tuple[tuple[str, str], ...]
    unit: str = 'short'
    kind: str = 'lines'
    width: int = 8
    words: str = ''


class Row(NamedTuple):
    """Panels under one headline."""

    title: str
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    """One dashboard."""

    uid: str
    title: str
    words: str
    rows: tuple[Row, ...]
    #: Name, label and query of each choice beside the data source.
    choices: tuple[tuple[str, str, str], ...] = ()


def ask(expr: str, legend: str = '') -> tuple[tuple[str, str], ...]:
    """Return the one thing that a panel asks."""
    return ((expr, legend),)


_DELAY = 'domain:kvm_insight_domain_run_delay'
FLEET = Board(
    'kvm-insight-fleet',
    'kvm_insight: fleet',
    'Where it hurts, who makes it hurt, and what is done about it.',
    (
        Row(
            'Now',
            (
                Panel(
                    'Cores lost to contention',
                    ask('sum(kvm_insight_analyzer_host_lost_cores)'),
                    kind='number',
                    width=4,
                    words='By open findings, each victim once.',
                ),
                Panel(
                    'Open findings',
                    ask('sum(kvm_insight_analyzer_open_findings)'),
                    kind='number',
                    width=4,
                ),
                Panel(
                    'Hosts that suffer',
                    ask(
                        'count(kvm_insight_analyzer_host_lost_cores > 0.1)'
                        ' or vector(0)'
                    ),
                    kind='number',
                    width=4,
                ),
                Panel(
                    'Hosts',
                    ask('count(kvm_insight_agent_info)'),
                    kind='number',
                    width=4,
                ),
                Panel(
                    'Domains',
                    ask('sum(kvm_insight_host_domains)'),
                    kind='number',
                    width=4,
                ),
                Panel(
                    'Open recommendations',
                    ask(
                        'sum(kvm_insight_planner_recommendations'
                        '{state=~"proposed|approved|executing"})'
                    ),
                    kind='number',
                    width=4,
                ),
            ),
        ),
        Row(
            'Who suffers',
            (
                Panel(
                    'Hosts by cores lost',
                    ask(
                        'topk(20, kvm_insight_analyzer_host_lost_cores)',
                        '{{host}}',
                    ),
                    width=12,
                ),
                Panel(
                    'Hosts by cores waited for',
                    ask(
                        'topk(20, kvm_insight_analyzer_host_waited_cores)',
                        '{{host}}',
                    ),
                    width=12,
                ),
                Panel(
                    'Open findings by class',
                    ask(
                        'sum by (resource, verdict)'
                        ' (kvm_insight_analyzer_open_findings)',
                        '{{resource}}: {{verdict}}',
                    ),
                ),
                Panel(
                    'Waited for whom, all hosts',
                    ask(
                        'sum by (class)'
                        ' (rate(kvm_insight_host_waited_seconds_total'
                        '[$__rate_interval]))',
                        '{{class}}',
                    ),
                    words='Cores that waited, by who ran meanwhile.',
                ),
                Panel(
                    'Hosts by memory stalls',
                    ask(
                        'topk(20, rate('
                        'kvm_insight_host_pressure_stalled_seconds_total'
                        '{resource="memory",stall="some"}'
                        '[$__rate_interval]))',
                        '{{instance}}',
                    ),
                    unit='percentunit',
                ),
            ),
        ),
        Row(
            'Projects',
            (
                Panel(
                    'Projects that wait',
                    ask(
                        'topk(15,'
                        ' project:kvm_insight_domain_run_delay:cores_rate5m)',
                        '{{project_id}}',
                    ),
                    kind='table',
                    width=8,
                ),
                Panel(
                    'Projects that make others wait',
                    ask(
                        'topk(15, project:kvm_insight_domain_caused_wait'
                        ':cores_rate5m)',
                        '{{project_id}}',
                    ),
                    kind='table',
                    width=8,
                ),
                Panel(
                    'Domains that lose most of what they want',
                    ask(f'topk(15, {_DELAY}:ratio_rate5m)', '{{domain}}'),
                    unit='percentunit',
                    kind='table',
                    width=8,
                ),
            ),
        ),
        Row(
            'What is done',
            (
                Panel(
                    'Recommendations',
                    ask(
                        'sum by (state) (kvm_insight_planner_recommendations)',
                        '{{state}}',
                    ),
                ),
                Panel(
                    'What came of them',
                    ask(
                        'sum by (verdict) (kvm_insight_planner_outcomes)',
                        '{{verdict}}',
                    ),
                ),
                Panel(
                    'Hosts: marked, unrelieved',
                    (
                        ('sum(kvm_insight_planner_marked_hosts)', 'marked'),
                        (
                            'sum(kvm_insight_planner_unrelieved_hosts)',
                            'unrelieved',
                        ),
                        ('sum(kvm_insight_planner_mark_alarms)', 'alarms'),
                    ),
                ),
            ),
        ),
    ),
)

_HERE = 'instance="$instance"'
HOST = Board(
    'kvm-insight-host',
    'kvm_insight: host',
    'One host: its CPUs, who waits and for whom, memory, disks, network.',
    (
        Row(
            'CPU',
            (
                Panel(
                    'CPU by mode',
                    ask(
                        'sum by (mode)'
                        f' (rate(kvm_insight_host_cpu_seconds_total{{{_HERE}}}'
                        '[$__rate_interval]))',
                        '{{mode}}',
                    ),
                    words='Cores.',
                ),
                Panel(
                    'Waited for whom',
                    ask(
                        'sum by (class) (rate('
                        f'kvm_insight_host_waited_seconds_total{{{_HERE}}}'
                        '[$__rate_interval]))',
                        '{{class}}',
                    ),
                    words='Cores that waited, by who ran meanwhile: the'
                    ' contention ledger.',
                ),
                Panel(
                    'Pressure',
                    ask(
                        'rate(kvm_insight_host_pressure_stalled_seconds_total'
                        f'{{{_HERE}}}[$__rate_interval])',
                        '{{resource}} {{stall}}',
                    ),
                    unit='percentunit',
                ),
                Panel(
                    'Lost to contention',
                    ask(
                        'kvm_insight_analyzer_host_lost_cores{host="$host"}',
                        'cores',
                    ),
                ),
                Panel(
                    'Domains by state',
                    ask(f'kvm_insight_host_domains{{{_HERE}}}', '{{state}}'),
                ),
                Panel(
                    'Services',
                    ask(
                        'topk(10, rate('
                        f'kvm_insight_host_service_run_seconds_total{{{_HERE}}}'
                        '[$__rate_interval]))',
                        '{{service}}',
                    ),
                    words='Cores used by what is no domain.',
                ),
            ),
        ),
        Row(
            'Domains',
            (
                Panel(
                    'Run',
                    ask(
                        'topk(20, domain:kvm_insight_domain_run:cores_rate5m'
                        f'{{{_HERE}}})',
                        '{{domain}}',
                    ),
                    words='Cores.',
                ),
                Panel(
                    'Part of the wanted CPU time that is lost',
                    ask(
                        f'topk(20, {_DELAY}:ratio_rate5m{{{_HERE}}})',
                        '{{domain}}',
                    ),
                    unit='percentunit',
                ),
                Panel(
                    'Made others wait',
                    ask(
                        'topk(20, rate('
                        'kvm_insight_domain_caused_wait_seconds_total'
                        f'{{{_HERE}}}[$__rate_interval]))',
                        '{{domain}}',
                    ),
                    words='Cores that others waited for while it ran there.',
                ),
                Panel(
                    'Waited because of neighbours',
                    ask(
                        'topk(20, rate(kvm_insight_domain_waited_seconds_total'
                        f'{{{_HERE},class="neighbour"}}[$__rate_interval]))',
                        '{{domain}}',
                    ),
                ),
                Panel(
                    'Stopped by the quota',
                    ask(
                        'topk(20, rate('
                        'kvm_insight_domain_cpu_throttled_seconds_total'
                        f'{{{_HERE}}}[$__rate_interval]))',
                        '{{domain}}',
                    ),
                ),
                Panel(
                    'Resident memory',
                    ask(
                        'topk(20, kvm_insight_domain_memory_resident_bytes'
                        f'{{{_HERE}}})',
                        '{{domain}}',
                    ),
                    unit='bytes',
                ),
                Panel(
                    'Disk latency',
                    ask(
                        'topk(20, ('
                        'rate(kvm_insight_domain_disk_read_seconds_total'
                        f'{{{_HERE}}}[$__rate_interval])'
                        ' + rate(kvm_insight_domain_disk_write_seconds_total'
                        f'{{{_HERE}}}[$__rate_interval])) / ('
                        'rate(kvm_insight_domain_disk_read_requests_total'
                        f'{{{_HERE}}}[$__rate_interval])'
                        ' + rate(kvm_insight_domain_disk_write_requests_total'
                        f'{{{_HERE}}}[$__rate_interval]) > 0))',
                        '{{domain}}',
                    ),
                    unit='s',
                    words='Mean of reads and writes.',
                ),
                Panel(
                    'Disk throughput',
                    ask(
                        'topk(20, '
                        'rate(kvm_insight_domain_disk_read_bytes_total'
                        f'{{{_HERE}}}[$__rate_interval])'
                        ' + rate(kvm_insight_domain_disk_written_bytes_total'
                        f'{{{_HERE}}}[$__rate_interval]))',
                        '{{domain}}',
                    ),
                    unit='Bps',
                ),
                Panel(
                    'Network throughput',
                    ask(
                        'topk(20, '
                        'rate(kvm_insight_domain_network_receive_bytes_total'
                        f'{{{_HERE}}}[$__rate_interval])'
                        ' + rate('
                        'kvm_insight_domain_network_transmit_bytes_total'
                        f'{{{_HERE}}}[$__rate_interval]))',
                        '{{domain}}',
                    ),
                    unit='Bps',
                ),
            ),
        ),
        Row(
            'Memory, disks and network of the host',
            (
                Panel(
                    'Memory',
                    (
                        (
                            f'kvm_insight_host_memory_bytes{{{_HERE}}}',
                            'all',
                        ),
                        (
                            'kvm_insight_host_memory_available_bytes'
                            f'{{{_HERE}}}',
                            'available',
                        ),
                    ),
                    unit='bytes',
                ),
                Panel(
                    'Disks: part of the time busy',
                    ask(
                        'rate(kvm_insight_host_disk_busy_seconds_total'
                        f'{{{_HERE}}}[$__rate_interval])',
                        '{{device}}',
                    ),
                    unit='percentunit',
                ),
                Panel(
                    'Network',
                    (
                        (
                            'rate(kvm_insight_host_network_receive_bytes_total'
                            f'{{{_HERE}}}[$__rate_interval])',
                            '{{device}} in',
                        ),
                        (
                            'rate(kvm_insight_host_network_transmit_bytes_total'
                            f'{{{_HERE}}}[$__rate_interval])',
                            '{{device}} out',
                        ),
                    ),
                    unit='Bps',
                ),
            ),
        ),
    ),
    (
        ('host', 'Host', 'label_values(kvm_insight_agent_info, host)'),
        (
            'instance',
            'Target',
            'label_values(kvm_insight_agent_info{host="$host"}, instance)',
        ),
    ),
)

PIPELINE = Board(
    'kvm-insight-pipeline',
    'kvm_insight: pipeline',
    'Whether kvm_insight itself is well.',
    (
        Row(
            'All services',
            (
                Panel(
                    'Answering',
                    ask('sum by (job) (up{job=~"kvm-insight-.+"})', '{{job}}'),
                ),
                Panel(
                    'Without the bus',
                    ask(
                        'count by (job) (kvm_insight_bus_up == 0) or'
                        ' 0 * count by (job) (kvm_insight_bus_up)',
                        '{{job}}',
                    ),
                ),
                Panel(
                    'Versions',
                    ask(
                        'count by (service, version) (kvm_insight_build_info)',
                        '{{service}} {{version}}',
                    ),
                    kind='table',
                ),
                Panel(
                    'CPU',
                    ask(
                        'topk(10, rate(process_cpu_seconds_total'
                        '{job=~"kvm-insight-.+"}[$__rate_interval]))',
                        '{{job}} {{instance}}',
                    ),
                    words='Cores.',
                    width=12,
                ),
                Panel(
                    'Memory',
                    ask(
                        'topk(10, process_resident_memory_bytes'
                        '{job=~"kvm-insight-.+"})',
                        '{{job}} {{instance}}',
                    ),
                    unit='bytes',
                    width=12,
                ),
            ),
        ),
        Row(
            'Agents',
            (
                Panel(
                    'Age of the newest sample',
                    ask(
                        'topk(10, time()'
                        ' - kvm_insight_agent_sample_timestamp_seconds)',
                        '{{instance}}',
                    ),
                    unit='s',
                ),
                Panel(
                    'Spool: part of its room',
                    ask(
                        'topk(10, kvm_insight_spool_bytes'
                        ' / kvm_insight_spool_limit_bytes)',
                        '{{instance}}',
                    ),
                    unit='percentunit',
                ),
                Panel(
                    'Records lost',
                    (
                        (
                            'sum(increase('
                            'kvm_insight_spool_dropped_records_total'
                            '[$__rate_interval]))',
                            'dropped',
                        ),
                        (
                            'sum(increase('
                            'kvm_insight_bus_refused_records_total'
                            '[$__rate_interval]))',
                            'refused',
                        ),
                    ),
                ),
                Panel(
                    'Ledgers by source',
                    ask(
                        'sum by (source) (kvm_insight_ledger_source)',
                        '{{source}}',
                    ),
                ),
                Panel(
                    'Completeness of the ledger',
                    ask(
                        'bottomk(10, kvm_insight_ledger_completeness_ratio)',
                        '{{instance}}',
                    ),
                    unit='percentunit',
                ),
                Panel(
                    'Slowest collectors',
                    ask(
                        'topk(10,'
                        ' kvm_insight_agent_collector_duration_seconds)',
                        '{{collector}} {{instance}}',
                    ),
                    unit='s',
                ),
                Panel(
                    'Broken collectors',
                    ask(
                        'count by (collector)'
                        ' (kvm_insight_agent_collector_success == 0)',
                        '{{collector}}',
                    ),
                    kind='table',
                ),
                Panel(
                    'Age of what libvirt says',
                    ask(
                        'topk(10, max by (instance)'
                        ' (kvm_insight_domain_libvirt_age_seconds))',
                        '{{instance}}',
                    ),
                    unit='s',
                ),
                Panel(
                    'What hosts cannot tell',
                    ask(
                        'count by (what) (kvm_insight_agent_missing)',
                        '{{what}}',
                    ),
                    kind='table',
                ),
            ),
        ),
        Row(
            'Analyzers',
            (
                Panel(
                    'Samples behind',
                    ask('kvm_insight_analyzer_lag_samples', '{{instance}}'),
                ),
                Panel(
                    'Samples a second',
                    ask(
                        'rate(kvm_insight_analyzer_samples_total'
                        '[$__rate_interval])',
                        '{{instance}}',
                    ),
                ),
                Panel(
                    'CPU time a sample',
                    ask(
                        'instance:kvm_insight_analyzer_cpu'
                        ':seconds_per_sample_rate5m',
                        '{{instance}}',
                    ),
                    unit='s',
                ),
                Panel(
                    'Partitions',
                    ask('kvm_insight_analyzer_partitions', '{{instance}}'),
                ),
                Panel(
                    'Gaps, late, doubled',
                    (
                        (
                            'sum(rate(kvm_insight_analyzer_missing_samples'
                            '_total[$__rate_interval]))',
                            'missing',
                        ),
                        (
                            'sum(rate(kvm_insight_analyzer_late_samples_total'
                            '[$__rate_interval]))',
                            'late',
                        ),
                        (
                            'sum(rate(kvm_insight_analyzer_duplicate_samples'
                            '_total[$__rate_interval]))',
                            'doubled',
                        ),
                    ),
                ),
                Panel(
                    'Dead letters',
                    ask(
                        'sum(increase(kvm_insight_analyzer_dead_letters_total'
                        '[$__rate_interval]))',
                        'records',
                    ),
                ),
            ),
        ),
        Row(
            'Planners and feeds',
            (
                Panel(
                    'Active',
                    ask('kvm_insight_planner_active', '{{instance}}'),
                ),
                Panel(
                    'Why nothing is planned',
                    ask('kvm_insight_planner_lacks', '{{reason}}'),
                ),
                Panel(
                    'A cycle takes',
                    ask(
                        'kvm_insight_planner_cycle_duration_seconds',
                        '{{instance}}',
                    ),
                    unit='s',
                ),
                Panel(
                    'Age of what is known of the cloud',
                    ask(
                        'time()'
                        ' - kvm_insight_planner_cluster_timestamp_seconds',
                        '{{instance}}',
                    ),
                    unit='s',
                ),
                Panel(
                    'Hosts with a fresh report',
                    (
                        ('sum(kvm_insight_planner_hosts)', 'all'),
                        ('sum(kvm_insight_planner_fresh_hosts)', 'fresh'),
                    ),
                ),
                Panel(
                    'Feeds of the planner',
                    ask(
                        'kvm_insight_planner_feed_state == 1',
                        '{{feed}}: {{state}}',
                    ),
                    kind='table',
                ),
                Panel(
                    'Age of the files of kvm-insight-feed',
                    ask(
                        'time() - kvm_insight_feed_written_timestamp_seconds',
                        '{{feed}} {{instance}}',
                    ),
                    unit='s',
                ),
            ),
        ),
    ),
)
BOARDS = {'fleet': FLEET, 'host': HOST, 'pipeline': PIPELINE}


def _lines() -> timeseries.Panel:
    legend = common_builder.VizLegendOptions()
    legend.display_mode(common.LegendDisplayMode.LIST)
    legend.placement(common.LegendPlacement.BOTTOM).show_legend(True)
    tooltip = common_builder.VizTooltipOptions()
    tooltip.mode(common.TooltipDisplayMode.MULTI)
    return timeseries.Panel().legend(legend).tooltip(tooltip).fill_opacity(10)


def _number() -> stat.Panel:
    last = common_builder.ReduceDataOptions().calcs(['lastNotNull'])
    return stat.Panel().reduce_options(last)


def _table() -> table.Panel:
    return table.Panel().show_header(True)


_KINDS: dict[str, Callable[[], Any]] = {
    'lines': _lines,
    'number': _number,
    'table': _table,
}


def _panel(one: Panel, number: int) -> Any:
    made = _KINDS[one.kind]().title(one.title).datasource(SOURCE)
    made.id(number).unit(one.unit).span(one.width)
    made.height(4 if one.kind == 'number' else 8)
    if one.words:
        made.description(one.words)
    for letter, (expr, legend) in zip('ABCDEF', one.asks, strict=False):
        query = prometheus.Dataquery().expr(expr).ref_id(letter)
        query.datasource(SOURCE).legend_format(legend or '__auto')
        if one.kind != 'lines':
            query.instant()
        if one.kind == 'table':
            query.format(prometheus_model.PromQueryFormat.TABLE)
        made.with_target(query)
    return made


def _choice(name: str, label: str, query: str) -> Any:
    made = dashboard.QueryVariable(name).label(label).datasource(SOURCE)
    made.query({'query': query, 'refId': name})
    return made.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)


def built(one: Board) -> dict[str, Any]:
    """Return what Grafana imports."""
    made = dashboard.Dashboard(one.title).uid(one.uid).readonly()
    made.description(one.words).tags(['kvm-insight']).refresh('1m')
    made.time('now-3h', 'now').tooltip(model.DashboardCursorSync.CROSSHAIR)
    others = dashboard.DashboardLink('kvm_insight')
    others.type(model.DashboardLinkType.DASHBOARDS).tags(['kvm-insight'])
    made.link(others.as_dropdown(True).keep_time(True).include_vars(True))
    made.with_variable(
        dashboard.DatasourceVariable('datasource')
        .label('Data source')
        .type('prometheus')
    )
    for choice in one.choices:
        made.with_variable(_choice(*choice))
    number = 1
    for row in one.rows:
        made.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            made.with_panel(_panel(panel, number))
        number += 1
    return dict(json.loads(encoder.JSONEncoder().encode(made.build())))


def text(name: str) -> str:
    """Return the file of this dashboard."""
    return json.dumps(built(BOARDS[name]), indent=1, sort_keys=True) + '\n'


def main(words: list[str] | None = None) -> int:
    """Write the dashboards, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true')
    check = parser.parse_args(words).check
    for name in BOARDS:
        path = FOLDER / f'{name}.json'
        if not check:
            path.write_text(text(name))
        elif not path.exists() or path.read_text() != text(name):
            print(f'{path.name} is stale: run tools/dashboards.py')
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
