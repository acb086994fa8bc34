# SPDX-License-Identifier: Apache-2.0
"""A small cloud with all that pages can show, and names that are hostile."""

import math
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import (
    codec,
    control,
    entity,
    execution,
    finding,
    host_report,
    inventory,
    mark,
    recommendation,
    sample,
)
from kvm_insight.store import charges, rollup, table
from tests import filling

NOW_US = filling.NOW_US
HOUR_US = filling.HOUR_US
HOSTS = 24
#: What must stay text wherever it is shown.
SCRIPT = '<script>window.broken = 1</script>'
QUOTES = '"\' onmouseover="window.broken=1" x=\''
RTL = '\u202egnp.exe \u05e9\u05dc\u05d5\u05dd'
LOUD, QUIET = filling.uuid(1), filling.uuid(2)
MINE, FOREIGN = filling.uuid(3), filling.uuid(4)
#: Words of another project than ``alpha``; its pages have none of them.
FOREIGN_WORDS = (
    FOREIGN,
    'beta',
    'name-of-beta',
    'secret-of-beta',
    'r1/compute-',
    'sshd',
    'f-open',
    'f-loud',
)


def fill(database: sa.Engine) -> None:
    """Write all of it."""
    filling.empty(database)
    with database.begin() as store:
        cloud = filling.Filling(store)
        for number in range(HOSTS):
            _host(cloud, number)
        _instances(cloud)
        _hours(cloud)
        _findings(cloud)
        _recommendations(cloud)
        _facts(cloud)
        _orders(cloud)
        cloud.configuration('c-1', name(0), QUIET)
        cloud.configuration('c-2', name(1), severity='high')
        cloud.configuration('c-3', name(0), MINE, severity='low')


def name(number: int) -> str:
    """Return a host's name."""
    return f'r1/compute-{number:04d}'


def _host(cloud: filling.Filling, number: int) -> None:
    waited = 16 * max(0.0, 0.55 - 0.045 * number)
    is_silent = number % 11 == 7
    report = host_report.HostReport(
        host=name(number),
        time_us=NOW_US,
        agent_id='agent',
        sequence=1,
        window_s=120,
        cpus=32,
        minutes=[host_report.Minute(wanted_cores=12.0)],
        ledger_source='ebpf',
        entities=[entity.domain(LOUD), entity.domain(QUIET), entity.HOST],
        charges=[(1, 0, 66_000_000), (1, 1, 9_000_000), (0, 2, 3_000_000)],
        missing={'cpu_steal': 'this kernel does not tell it'},
        agent=sample.Agent(
            version='0.1.0',
            spooled=12 if number == 2 else 0,
            dropped=3 if number == 3 else 0,
            rss_bytes=41_000_000,
            collectors=[
                sample.Collector(name='cgroup', duration_us=900, success=True)
            ],
        ),
    )
    outlook = inventory.Outlook(
        host=name(number),
        state=('hot', 'cool', 'unknown')[number % 3],
        now=['cpu'] if number == 0 else [],
        probability=0.82 if number % 3 == 0 else 0.04,
        not_before_h=2,
        within_h=6,
        expected_cores=21.5,
        high_cores=30.25,
        limit_cores=28.8,
        young=2,
    )
    cloud.host(
        name(number),
        availability_zone=('north', 'south')[number % 2],
        aggregates=[('fast', 'nice "ones"')[number % 2]],
        cpus=32,
        wanted_cores=12.0 + waited,
        waited_cores=round(waited, 3),
        lost_cores=round(waited / 2, 3),
        own_cores=0.8,
        memory_bytes=2**38,
        memory_available_bytes=2**36,
        outlook_state=outlook.state,
        outlook=codec.encode(outlook),
        record=codec.encode(report),
        **({'report_us': NOW_US - HOUR_US} if is_silent else {}),
    )


def _instances(cloud: filling.Filling) -> None:
    cloud.project('alpha', 'shop')
    cloud.project('beta')
    kept = (
        (1, 'beta', 'secret-of-beta-loud', 6.0, 0.4),
        (2, 'alpha', 'web-1', 2.0, 1.1),
        (3, 'alpha', SCRIPT, 1.0, 0.3),
        (4, 'beta', 'secret-of-beta-calm', 0.5, 0.0),
        (5, 'alpha', RTL, 1.5, 0.2),
        (6, 'alpha', QUOTES, 0.2, None),
    )
    for number, project, called, wanted, waited in kept:
        cloud.instance(
            number,
            project,
            name(0),
            name=called,
            vcpus=8 if number == 1 else 4,
            wanted_cores=wanted,
            waited_cores=waited,
        )
    for number in range(7, 47):
        cloud.instance(
            number,
            'beta',
            name(number % HOSTS),
            name=f'secret-of-beta-{number}',
            waited_cores=0.01 * number,
        )


def _hours(cloud: filling.Filling) -> None:
    """Two days on the first host, with a gap of three hours."""
    for back in range(1, 49):
        if back in (9, 10, 11):
            continue
        _hour(cloud, filling.HOUR + 1 - back, back)


def _hour(cloud: filling.Filling, hour: int, back: int) -> None:
    wave = 1 + 0.6 * math.sin(back / 3.5)
    us = int(HOUR_US * wave)
    who = [
        entity.domain(LOUD),
        entity.domain(QUIET),
        entity.domain(MINE),
        'service:sshd',
        entity.HOST,
        entity.QUOTA,
    ]
    told = charges.pack(
        who,
        [
            (1, 0, us // 2),
            (2, 0, us // 5),
            (1, 1, us // 9),
            (0, 1, us // 14),
            (1, 3, us // 30),
            (2, 5, us // 12),
            (0, 4, us // 20),
        ],
    )
    cloud.store.execute(
        sa.insert(rollup.HOST_HOUR).values(
            host_id=cloud.hosts[name(0)],
            hour=hour,
            part=0,
            agent_id='agent',
            first_sequence=1,
            last_sequence=360,
            samples=354 if back == 5 else 360,
            missing=6 if back == 5 else 0,
            measured_us=HOUR_US if back != 5 else HOUR_US * 59 // 60,
            cpus=32,
            run_us=12 * us,
            delay_us=us,
            own_run_us=us // 2,
            lost_antagonist_us=us // 2,
            lost_overcommit_us=us // 8,
            pressure={
                'cpu_some_us': us // 4,
                'memory_some_us': us // 50,
                'memory_full_us': us // 200,
                'io_some_us': us // 9,
                'io_full_us': us // 30,
            },
            charges=told,
        )
    )
    for uuid in (LOUD, QUIET, MINE):
        _instance_hour(cloud, hour, uuid, us)


def _instance_hour(
    cloud: filling.Filling, hour: int, uuid: str, us: int
) -> None:
    number, project, _ = cloud.instances[uuid]
    cloud.store.execute(
        sa.insert(rollup.INSTANCE_HOUR).values(
            instance_id=number,
            hour=hour,
            host_id=cloud.hosts[name(0)],
            part=0,
            project_id=project and cloud.projects[project],
            vcpus=4,
            memory_bytes=2**32,
            measured_us=HOUR_US,
            run_us=2 * us,
            delay_us=us // 2 + us // 9 + us // 30,
            waited_neighbour_us=us // 2,
            waited_own_us=us // 9,
            waited_host_us=us // 30,
            caused_us=us // 14,
            lost_antagonist_us=us // 3,
            p50_cores=1.5,
            p95_cores=2.9,
            max_cores=3.8,
        )
    )


def _findings(cloud: filling.Filling) -> None:
    loud, quiet, mine = map(entity.domain, (LOUD, QUIET, MINE))
    hour = NOW_US - HOUR_US
    cloud.finding(
        'f-open', name(0), quiet, [loud, 'service:sshd'], severity_cores=1.9
    )
    cloud.finding('f-mine', name(0), mine, [loud], severity_cores=0.4)
    cloud.finding('f-loud', name(0), loud, [quiet], severity_cores=0.2)
    cloud.finding(
        'f-past',
        name(0),
        quiet,
        [],
        verdict='self_inflicted',
        cause='quota',
        state='closed',
        opened_us=hour - 20 * HOUR_US,
        closed_us=hour - 18 * HOUR_US,
        closed_reason='recovered',
    )


def add_finding(database: sa.Engine, ident: str) -> None:
    """Write one more, as the recorder would."""
    with database.begin() as store:
        cloud = filling.Filling(store)
        host = table.HOST.c
        cloud.hosts[name(1)] = store.execute(
            sa.select(host.id).where(host.name == name(1))
        ).scalar_one()
        cloud.finding(ident, name(1), 'host', [], severity_cores=9.0)


def _recommendations(cloud: filling.Filling) -> None:
    kinds: dict[str, dict[str, Any]] = {
        'r-open': {},
        'r-later': {'created_us': NOW_US - 90_000_000},
        'r-done': {
            'state': 'executed',
            'outcome': 'helped',
            'created_us': NOW_US - 9 * HOUR_US,
        },
    }
    for ident, more in kinds.items():
        _recommendation(cloud, ident, **more)
    cloud.fact(
        execution.Execution(
            recommendation='r-done',
            state='done',
            moves=1,
            move=0,
            updated_us=NOW_US - 8 * HOUR_US,
            began_us=NOW_US - 9 * HOUR_US,
        )
    )


def _recommendation(cloud: filling.Filling, ident: str, **more: Any) -> None:
    made = cloud.recommendation(
        ident,
        [(LOUD, name(0), name(20))],
        **{key: value for key, value in more.items() if key != 'outcome'},
    )
    move = recommendation.Move(
        instance=LOUD,
        name='secret-of-beta-loud',
        project_id='beta',
        source=name(0),
        destination=name(20),
        role='aggressor',
        findings=['f-open', 'f-mine'],
        gain_core_s=5400.0,
        gain_p95_core_s=7100.0,
        cost_core_s=84.0,
        duration_s=38.0,
        downtime_s=0.21,
        memory_bytes=2**33,
        risk=0.04,
        reason='It makes two others wait, and there is room for it.',
        runner_up=recommendation.RunnerUp(
            instance=QUIET,
            destination=name(21),
            gain_core_s=3100.0,
            cost_core_s=120.0,
            reason='It gains less, and costs more.',
        ),
    )
    fields = {
        one: getattr(made, one)
        for one in recommendation.Recommendation.__struct_fields__
    }
    whole = recommendation.Recommendation(
        **{
            **fields,
            'moves': [move],
            'gain_core_s': 5400.0,
            'parts': _parts(),
            'summary': f'Move {SCRIPT} away.',
            'validity': recommendation.Validity(
                verdict='valid', against='placement', checked_us=NOW_US
            ),
            'outcome': _outcome() if more.get('outcome') else None,
        }
    )
    kept = table.RECOMMENDATION
    cloud.store.execute(
        sa.update(kept)
        .where(kept.c.id == ident)
        .values(record=codec.encode(whole), outcome=more.get('outcome'))
    )


def _parts() -> list[recommendation.Part]:
    kinds = (
        ('lost_cores', 4.0, 'sum', 'cores', 2.4, 0.3),
        ('hot_hosts', 1.0, 'count', 'hosts', 3.0, 2.0),
        ('use', 0.5, 'deviation', 'ratio', 0.21, 0.24),
    )
    return [
        recommendation.Part(
            name=called,
            weight=weight,
            statistic=statistic,  # type: ignore[arg-type]
            unit=unit,
            before=before,
            after=after,
        )
        for called, weight, statistic, unit, before, after in kinds
    ]


def _outcome() -> recommendation.Outcome:
    return recommendation.Outcome(
        executed_us=NOW_US - 8 * HOUR_US,
        measured_us=NOW_US - 7 * HOUR_US,
        window_s=1800,
        victims=[
            recommendation.VictimOutcome(
                party=finding.Party(
                    entity=entity.domain(QUIET), uuid=QUIET, name='web-1'
                ),
                lost_cores_before=1.9,
                lost_cores_after=0.1,
            )
        ],
        lost_cores_before=2.4,
        lost_cores_after=0.3,
        verdict='helped',
        summary='The victims wait no longer.',
    )


def _facts(cloud: filling.Filling) -> None:
    for number, change in enumerate(('lower', 'keep', 'unknown')):
        cloud.fact(
            inventory.AggregateAdvice(
                aggregate=f'{number + 1}',
                name=('fast', 'nice "ones"', None)[number],
                hosts=12,
                change=change,  # type: ignore[arg-type]
                current=8.0,
                advised=5.5 if change == 'lower' else 8.0,
                reason='waits' if change == 'lower' else 'bearable',
                waited=0.14,
                host_hours=4032,
            )
        )
    cloud.fact(
        inventory.PlannerStatus(
            generation=3,
            time_us=NOW_US - 20_000_000,
            state='planning',
            hosts=HOSTS,
            fresh_hosts=HOSTS - 2,
            open=2,
            planned_us=NOW_US - 30_000_000,
            plan_ms=840,
            unrelieved={name(1): ['no host has room for what would help']},
            feeds={
                'nova': 'ok',
                'webhook': 'off',
                'placement': 'HTTP 503 from Placement',
            },
        )
    )
    cloud.fact(
        mark.Marks(
            time_us=NOW_US,
            hosts=[
                mark.Mark(
                    host=name(0),
                    heat=0.9,
                    since_us=NOW_US - HOUR_US,
                    reasons=['cpu'],
                )
            ],
        )
    )
    cloud.store.execute(
        sa.insert(table.BUS_OFFSET).values(
            topic='kvm_insight.finding',
            partition=0,
            next_offset=991,
            generation=4,
        )
    )


def _orders(cloud: filling.Filling) -> None:
    for kind, about, subject, more in (
        ('mute', 'host', name(5), {'reason': 'new kernel ' + SCRIPT}),
        ('opt_out', 'instance', QUIET, {'by': 'olga'}),
        (
            'blackout',
            'cloud',
            '',
            {
                'name': 'weekend',
                'begins_us': NOW_US - HOUR_US,
                'ends_us': NOW_US + HOUR_US,
                'every_s': 604_800,
            },
        ),
        ('acknowledgement', 'finding', 'f-mine', {'by': 'olga'}),
    ):
        cloud.order(
            control.Order(
                kind=kind,  # type: ignore[arg-type]
                about=about,  # type: ignore[arg-type]
                subject=subject,
                made_us=NOW_US - HOUR_US,
                **more,
            )
        )
