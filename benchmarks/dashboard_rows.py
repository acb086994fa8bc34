# SPDX-License-Identifier: Apache-2.0
"""A store as a large cloud fills it, for the dashboard's benchmark."""

import dataclasses
import random
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import (
    codec,
    entity,
    finding,
    host_report,
    inventory,
    sample,
)
from kvm_insight.store import charges, rollup, schema, table

HOUR_US = 3_600_000_000
#: 2026-11-28 06:00:00 UTC.
NOW_US = 1_795_845_600_000_000
ON_A_HOST = 30
_AT_ONCE = 2000
#: Of hosts that are looked at, hours are there for a month.
LOOKED_AT = 10
_HOURS = {True: 30 * 24, False: 2}

Row = dict[str, Any]


def uuid(number: int) -> str:
    """Return an instance's UUID."""
    return f'{number:08x}-0000-4000-8000-{number:012x}'


def name(number: int) -> str:
    """Return a host's name."""
    return f'region/compute-{number:04d}'


def fill(database: sa.Engine, hosts: int, seed: int) -> None:
    """Write hosts, their instances, hours and findings."""
    schema.upgrade(database)
    chance = random.Random(seed)
    projects = max(1, hosts // 5)
    _write(database, table.PROJECT, _projects(projects))
    _write(database, table.HOST, _hosts(hosts, chance))
    _write(database, table.INSTANCE, _instances(hosts, projects, chance))
    _write(database, rollup.HOST_HOUR, _host_hours(hosts, chance))
    _write(
        database,
        rollup.INSTANCE_HOUR,
        _instance_hours(hosts, projects, chance),
    )
    _write(database, rollup.HOST_DAY, _host_days())
    _write(database, rollup.INSTANCE_DAY, _instance_days(projects))

    def anybody() -> Victim:
        host = chance.randrange(hosts)
        one = chance.choice(_on(host))
        return Victim(
            host + 1, name(host), one + 1, uuid(one), one % projects + 1
        )

    add_findings(database, hosts * 10, NOW_US, chance, anybody)
    with database.begin() as store:
        store.execute(sa.text('ANALYZE'))


def _write(database: sa.Engine, where: sa.Table, rows: Iterator[Row]) -> None:
    part: list[Row] = []
    with database.begin() as store:
        for row in rows:
            part.append(row)
            if len(part) == _AT_ONCE:
                store.execute(sa.insert(where), part)
                part.clear()
        if part:
            store.execute(sa.insert(where), part)


def _projects(count: int) -> Iterator[Row]:
    for number in range(count):
        yield {
            'id': number + 1,
            'uuid': f'{number:032x}',
            'name': f'project-{number}',
        }


def _hosts(count: int, chance: random.Random) -> Iterator[Row]:
    for number in range(count):
        waited = max(0.0, chance.gauss(0.5, 2.0))
        yield {
            'id': number + 1,
            'name': name(number),
            'hypervisor_hostname': f'compute-{number:04d}.example.org',
            'availability_zone': f'zone-{number % 4}',
            'aggregates': [f'aggregate-{number % 12}'],
            'enabled': True,
            'maintenance': False,
            'report_us': NOW_US - chance.randrange(60_000_000),
            'cpus': 64,
            'wanted_cores': 24.0 + waited,
            'waited_cores': waited,
            'own_cores': 0.8,
            'lost_cores': waited / 2 if waited > 1 else 0.0,
            'memory_bytes': 2**39,
            'memory_available_bytes': 2**37,
            'ledger_source': 'ebpf',
            'record': codec.encode(_report(number)),
            'outlook': codec.encode(
                inventory.Outlook(host=name(number), state='cool')
            ),
            'outlook_state': 'cool',
        }


def _report(number: int) -> host_report.HostReport:
    return host_report.HostReport(
        host=name(number),
        time_us=NOW_US,
        agent_id='agent',
        sequence=1,
        window_s=120,
        cpus=64,
        minutes=[host_report.Minute(wanted_cores=24.0)] * 30,
        agent=sample.Agent(version='0.1.0', spooled=int(number % 97 == 0)),
        instances=[
            host_report.Instance(
                uuid=uuid(one),
                name=f'instance-{one:08x}',
                vcpus=4,
                wanted_cores=0.8,
                waited_cores=0.01,
                memory_bytes=2**32,
            )
            for one in _on(number)
        ],
    )


def _on(host: int) -> range:
    return range(host * ON_A_HOST, (host + 1) * ON_A_HOST)


def _instances(
    hosts: int, projects: int, chance: random.Random
) -> Iterator[Row]:
    for host in range(hosts):
        for number in _on(host):
            yield {
                'id': number + 1,
                'uuid': uuid(number),
                'project_id': number % projects + 1,
                'host_id': host + 1,
                'name': f'vm-{number}',
                'domain_name': f'instance-{number:08x}',
                'flavor': 'm1.large',
                'state': 'running',
                'vcpus': 4,
                'memory_bytes': 2**32,
                'report_us': NOW_US,
                'wanted_cores': 0.8,
                'waited_cores': chance.random() ** 6,
                'first_seen_us': NOW_US - 720 * HOUR_US,
                'last_seen_us': NOW_US,
            }


def _host_hours(hosts: int, chance: random.Random) -> Iterator[Row]:
    now = NOW_US // HOUR_US
    for host in range(hosts):
        names = [entity.domain(uuid(one)) for one in _on(host)]
        for back in range(1, _HOURS[host < LOOKED_AT] + 1):
            told = [
                (victim, runner, chance.randrange(10**9))
                for victim in range(ON_A_HOST)
                for runner in chance.sample(range(ON_A_HOST), 8)
            ]
            yield {
                'host_id': host + 1,
                'hour': now - back,
                'part': 0,
                'agent_id': 'agent',
                'first_sequence': 1,
                'last_sequence': 360,
                'samples': 360,
                'missing': int(back % 50 == 0),
                'measured_us': HOUR_US,
                'cpus': 64,
                'run_us': 24 * HOUR_US,
                'delay_us': HOUR_US,
                'own_run_us': HOUR_US,
                'lost_antagonist_us': HOUR_US // 9,
                'pressure': {'cpu_some_us': HOUR_US // 9},
                'charges': charges.pack(names, told),
            }


def _instance_hours(
    hosts: int, projects: int, chance: random.Random
) -> Iterator[Row]:
    now = NOW_US // HOUR_US
    for host in range(hosts):
        for back in range(1, _HOURS[host < LOOKED_AT] + 1):
            us = chance.randrange(HOUR_US)
            for number in _on(host):
                yield {
                    'instance_id': number + 1,
                    'hour': now - back,
                    'host_id': host + 1,
                    'part': 0,
                    'project_id': number % projects + 1,
                    'vcpus': 4,
                    'measured_us': HOUR_US,
                    'run_us': us,
                    'delay_us': us // 9,
                    'waited_neighbour_us': us // 10,
                    'p50_cores': 0.5,
                    'p95_cores': 1.5,
                    'max_cores': 2.0,
                }


def _host_days() -> Iterator[Row]:
    today = NOW_US // HOUR_US // 24
    for host in range(LOOKED_AT):
        for back in range(31):
            yield {
                'host_id': host + 1,
                'day': today - back,
                'samples': 8640,
                'missing': 0,
                'measured_us': 24 * HOUR_US,
                'cpus': 64,
                'run_us': 24 * 24 * HOUR_US,
                'delay_us': 24 * HOUR_US,
                'pressure': {'cpu_some_us': 2 * HOUR_US},
            }


def _instance_days(projects: int) -> Iterator[Row]:
    today = NOW_US // HOUR_US // 24
    for number in range(LOOKED_AT * ON_A_HOST):
        for back in range(31):
            yield {
                'instance_id': number + 1,
                'day': today - back,
                'project_id': number % projects + 1,
                'vcpus': 4,
                'measured_us': 24 * HOUR_US,
                'run_us': 20 * HOUR_US,
                'delay_us': HOUR_US,
                'waited_neighbour_us': HOUR_US,
            }


@dataclasses.dataclass(frozen=True, slots=True)
class Victim:
    """Whom a finding is about: numbers of rows, and names."""

    host_id: int
    host: str
    instance_id: int
    uuid: str
    project_id: int


def add_findings(
    database: sa.Engine,
    count: int,
    now_us: int,
    chance: random.Random,
    anybody: Callable[[], Victim],
) -> None:
    """Write so many findings of the month before, one in a hundred open."""
    rows = _findings(count, now_us, chance, anybody)
    _write(database, table.FINDING, rows)


def _findings(
    count: int,
    now_us: int,
    chance: random.Random,
    anybody: Callable[[], Victim],
) -> Iterator[Row]:
    for number in range(count):
        victim = anybody()
        opened_us = now_us - chance.randrange(30 * 24) * HOUR_US
        is_open = number % 100 == 0
        one = finding.Finding(
            id=f'finding-{number}',
            state='open' if is_open else 'closed',
            host=victim.host,
            resource='cpu',
            victim=finding.Party(
                entity=entity.domain(victim.uuid), uuid=victim.uuid
            ),
            verdict='unknown',
            confidence=0.9,
            severity_cores=chance.random(),
            lost_us=10**9,
            opened_us=opened_us,
            updated_us=opened_us + HOUR_US,
            closed_us=None if is_open else opened_us + HOUR_US,
            evidence=_evidence(opened_us),
            summary='It waits.',
        )
        yield {
            'id': one.id,
            'host_id': victim.host_id,
            'instance_id': victim.instance_id,
            'project_id': victim.project_id,
            'record': codec.encode(one),
            **{
                field: getattr(one, field)
                for field in (
                    'state',
                    'resource',
                    'verdict',
                    'confidence',
                    'severity_cores',
                    'lost_us',
                    'opened_us',
                    'updated_us',
                    'closed_us',
                )
            },
        }


def _evidence(opened_us: int) -> finding.Evidence:
    return finding.Evidence(
        window_s=120,
        start_us=opened_us - 120_000_000,
        end_us=opened_us,
        first_sequence=1,
        last_sequence=12,
        agent_id='agent',
        samples=12,
        coverage=1.0,
        suffering=0.4,
        floor=0.1,
        baseline=0.01,
        baseline_source='history',
        run_us=1,
        run_delay_us=2,
        throttled_us=0,
    )
