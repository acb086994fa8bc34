# SPDX-License-Identifier: Apache-2.0
"""Fills a store with what tests want to be in it, row by row."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from kvm_insight.model import (
    codec,
    configuration,
    control,
    entity,
    finding,
    host_report,
    inventory,
    recommendation,
)
from kvm_insight.store import charges, rollup, table

#: 2026-11-28 06:00:00 UTC.
NOW_US = 1_795_845_600_000_000
HOUR_US = 3_600_000_000
#: The hour that is over.
HOUR = NOW_US // HOUR_US - 1


def uuid(number: int) -> str:
    """Return an instance's UUID."""
    return f'{number:08x}-0000-4000-8000-{number:012x}'


def empty(database: sa.Engine) -> None:
    """Make the tables."""
    assert rollup.HOST_HOUR.metadata is table.METADATA
    table.METADATA.create_all(database)


@dataclasses.dataclass
class Filling:
    """Writes with one connection; knows the numbers of what it wrote."""

    store: sa.Connection
    projects: dict[str, int] = dataclasses.field(default_factory=dict)
    hosts: dict[str, int] = dataclasses.field(default_factory=dict)
    #: UUID -> number, project, name.
    instances: dict[str, tuple[int, str | None, str]] = dataclasses.field(
        default_factory=dict
    )

    def project(self, ident: str, name: str | None = None) -> int:
        """Write a project once."""
        if ident not in self.projects:
            self.projects[ident] = self._insert(
                table.PROJECT, uuid=ident, name=name or f'name-of-{ident}'
            )
        return self.projects[ident]

    def host(self, name: str, **more: Any) -> int:
        """Write a host with a report."""
        report = host_report.HostReport(
            host=name,
            time_us=more.get('report_us') or NOW_US,
            agent_id='agent',
            sequence=1,
            window_s=120,
            cpus=8,
            minutes=[host_report.Minute(wanted_cores=4.0)],
        )
        columns = {
            'hypervisor_hostname': f'{name}.example.org',
            'availability_zone': 'north',
            'aggregates': ['fast'],
            'enabled': True,
            'maintenance': False,
            'report_us': NOW_US - 10_000_000,
            'cpus': 8,
            'wanted_cores': 4.0,
            'waited_cores': 1.0,
            'own_cores': 0.5,
            'lost_cores': 0.25,
            'memory_bytes': 2**34,
            'memory_available_bytes': 2**33,
            'ledger_source': 'ebpf',
            'outlook_state': 'cool',
            'record': codec.encode(report),
            'outlook': codec.encode(
                inventory.Outlook(host=name, state='cool')
            ),
            **more,
        }
        self.hosts[name] = self._insert(table.HOST, name=name, **columns)
        return self.hosts[name]

    def instance(
        self, number: int, project: str | None, host: str | None, **more: Any
    ) -> str:
        """Write an instance; return its UUID."""
        ident = uuid(number)
        columns = {
            'name': f'vm-{number}',
            'domain_name': f'instance-{number:08x}',
            'flavor': 'm1.small',
            'state': 'running',
            'vcpus': 2,
            'memory_bytes': 2**31,
            'wanted_cores': 1.0,
            'waited_cores': 0.5,
            'first_seen_us': NOW_US - 24 * HOUR_US,
            'last_seen_us': NOW_US - 10_000_000,
            **more,
        }
        made = self._insert(
            table.INSTANCE,
            uuid=ident,
            project_id=project and self.project(project),
            host_id=host and self.hosts[host],
            **columns,
        )
        self.instances[ident] = (made, project, columns['name'])
        return ident

    def party(self, name: str) -> finding.Party:
        """Return who an entity is, as findings have it."""
        ident = entity.uuid_of(name)
        if ident is None:
            return finding.Party(entity=name)
        _, project, called = self.instances[ident]
        return finding.Party(
            entity=name,
            uuid=ident,
            name=called,
            instance_name=called,
            project_id=project,
            project_name=project and f'name-of-{project}',
            user_id='user-1',
            user_name='somebody',
        )

    def finding(
        self,
        ident: str,
        host: str,
        victim: str,
        aggressors: Sequence[str] = (),
        **more: Any,
    ) -> None:
        """Write a finding about these entities."""
        parts = more.pop('parts', None) or [
            (1_000_000 * (place + 1), 0.5) for place in range(len(aggressors))
        ]
        named = [
            finding.Aggressor(
                party=self.party(one),
                waited_us=waited_us,
                blame=blame,
                excess_cores=0.75,
            )
            for one, (waited_us, blame) in zip(aggressors, parts, strict=True)
        ]
        fields: dict[str, Any] = {
            'state': 'open',
            'resource': 'cpu',
            'verdict': 'antagonist',
            'confidence': 0.9,
            'severity_cores': 0.625,
            'lost_us': 7_000_000,
            'opened_us': NOW_US - HOUR_US,
            'updated_us': NOW_US - 10_000_000,
            **more,
        }
        one = finding.Finding(
            id=ident,
            host=host,
            victim=self.party(victim),
            aggressors=named,
            accounts={one.party.entity: one.waited_us for one in named},
            evidence=_evidence(dict.fromkeys(aggressors, 5)),
            summary=f'{victim} on {host} because of {", ".join(aggressors)}',
            **fields,
        )
        fields['state'] = 'closed' if one.state == 'closed' else 'open'
        self.store.execute(
            sa.insert(table.FINDING).values(
                id=ident,
                host_id=self.hosts[host],
                **self._whose(victim),
                record=codec.encode(one),
                **fields,
            )
        )
        for place, who in enumerate(named):
            self.store.execute(
                sa.insert(table.AGGRESSOR).values(
                    finding_id=ident,
                    position=place,
                    entity=who.party.entity,
                    **self._whose(who.party.entity),
                    blame=who.blame,
                    waited_us=who.waited_us,
                )
            )

    def recommendation(
        self, ident: str, moves: Sequence[tuple[str, str, str]], **more: Any
    ) -> recommendation.Recommendation:
        """Write a recommendation of instance, source, destination."""
        fields: dict[str, Any] = {
            'state': 'proposed',
            'mode': 'relieve',
            'generation': 3,
            'gain_core_s': 100.0,
            'cost_core_s': 10.0,
            'risk': 0.1,
            'created_us': NOW_US - 60_000_000,
            'expires_us': NOW_US + HOUR_US,
            **more,
        }
        one = recommendation.Recommendation(
            id=ident,
            fingerprint=f'print-of-{ident}',
            moves=[_move(*move) for move in moves],
            horizon_s=3600,
            gain_p95_core_s=120.0,
            score_before=2.0,
            score_after=1.0,
            parts=[],
            summary='Move them.',
            **fields,
        )
        self.store.execute(
            sa.insert(table.RECOMMENDATION).values(
                id=ident, record=codec.encode(one), **fields
            )
        )
        for place, (instance, source, destination) in enumerate(moves):
            self.store.execute(
                sa.insert(table.MOVE).values(
                    recommendation_id=ident,
                    position=place,
                    instance_uuid=instance,
                    source=source,
                    destination=destination,
                )
            )
        return one

    def order(self, one: control.Order) -> str:
        """Write what was said; return its key."""
        key = control.key(one)
        self.store.execute(
            sa.insert(table.ORDER).values(
                key=key,
                kind=one.kind,
                about=one.about,
                subject=one.subject,
                made_us=one.made_us,
                ends_us=one.ends_us,
                record=codec.encode(one),
            )
        )
        return key

    def fact(self, one: inventory.Facts) -> None:
        """Write a fact of the planner."""
        self.store.execute(
            sa.insert(table.FACT).values(
                key=inventory.key(one),
                schema=str(one.__struct_config__.tag),
                updated_us=NOW_US,
                record=codec.encode(one),
            )
        )

    def configuration(
        self, ident: str, host: str, instance: str | None = None, **more: Any
    ) -> None:
        """Write a configuration finding."""
        who = entity.domain(instance) if instance else 'host'
        fields: dict[str, Any] = {
            'check': 'disk.emulated' if instance else 'reclaim.swappiness',
            'severity': 'medium',
            'state': 'open',
            'opened_us': NOW_US - HOUR_US,
            'updated_us': NOW_US,
            **more,
        }
        one = configuration.Finding(
            id=ident,
            host=host,
            party=self.party(who) if instance else None,
            what=f'on {host}',
            evidence=[
                configuration.Evidence(where=f'/{host}/x', value='host-secret')
            ],
            **fields,
        )
        self.store.execute(
            sa.insert(table.CONFIGURATION_FINDING).values(
                id=ident,
                host_id=self.hosts[host],
                **self._whose(who),
                record=codec.encode(one),
                **fields,
            )
        )

    def hour(
        self,
        host: str,
        hour: int,
        ledger: Sequence[tuple[str, str, int]],
        parts: Mapping[str, int],
    ) -> None:
        """Write an hour of a host: who waited for whom, and its instances,
        each with how long it waited for neighbours."""
        names = sorted({who for *pair, _ in ledger for who in pair})
        place = {name: number for number, name in enumerate(names)}
        packed = charges.pack(
            names, [(place[a], place[b], us) for a, b, us in ledger]
        )
        self.store.execute(
            sa.insert(rollup.HOST_HOUR).values(
                host_id=self.hosts[host],
                hour=hour,
                part=0,
                agent_id='agent',
                first_sequence=1,
                last_sequence=360,
                samples=360,
                missing=0,
                measured_us=HOUR_US,
                cpus=8,
                pressure={'cpu_some_us': 5},
                charges=packed,
            )
        )
        for ident, neighbour_us in parts.items():
            number, project, _ = self.instances[ident]
            self.store.execute(
                sa.insert(rollup.INSTANCE_HOUR).values(
                    instance_id=number,
                    hour=hour,
                    host_id=self.hosts[host],
                    part=0,
                    project_id=project and self.projects[project],
                    vcpus=2,
                    memory_bytes=2**31,
                    measured_us=HOUR_US,
                    run_us=HOUR_US // 2,
                    delay_us=neighbour_us + 1000,
                    waited_neighbour_us=neighbour_us,
                    p50_cores=0.5,
                    disk_measured_us=HOUR_US,
                    disk_read_bytes=4096,
                )
            )

    def now(
        self,
        host: str,
        ledger: Sequence[tuple[str, str, int]],
        time_us: int = NOW_US - 10_000_000,
    ) -> None:
        """Write a host's newest report: who waits for whom."""
        names = sorted({who for *pair, _ in ledger for who in pair})
        place = {name: number for number, name in enumerate(names)}
        report = host_report.HostReport(
            host=host,
            time_us=time_us,
            agent_id='agent',
            sequence=1,
            window_s=120,
            cpus=8,
            ledger_source='ebpf',
            entities=names,
            charges=sorted(
                ((place[a], place[b], us) for a, b, us in ledger),
                key=lambda one: -one[2],
            ),
        )
        self.store.execute(
            sa.update(table.HOST)
            .where(table.HOST.c.name == host)
            .values(record=codec.encode(report))
        )

    def _whose(self, name: str) -> Mapping[str, int | None]:
        ident = entity.uuid_of(name)
        if ident is None:
            return {'instance_id': None, 'project_id': None}
        number, project, _ = self.instances[ident]
        return {
            'instance_id': number,
            'project_id': self.projects[project] if project else None,
        }

    def _insert(self, where: sa.Table, **columns: Any) -> int:
        done = self.store.execute(sa.insert(where).values(**columns))
        assert done.inserted_primary_key is not None
        return int(done.inserted_primary_key[0])


def _evidence(charges: dict[str, int]) -> finding.Evidence:
    return finding.Evidence(
        window_s=120,
        start_us=NOW_US - HOUR_US,
        end_us=NOW_US,
        first_sequence=1,
        last_sequence=12,
        agent_id='agent',
        samples=12,
        coverage=0.95,
        suffering=0.4,
        floor=0.1,
        baseline=0.01,
        baseline_source='history',
        run_us=1,
        run_delay_us=2,
        throttled_us=0,
        charges=charges,
    )


def _move(instance: str, source: str, destination: str) -> recommendation.Move:
    return recommendation.Move(
        instance=instance,
        source=source,
        destination=destination,
        role='aggressor',
        gain_core_s=100.0,
        gain_p95_core_s=120.0,
        cost_core_s=10.0,
        duration_s=12.0,
        downtime_s=0.2,
        memory_bytes=2**31,
        risk=0.1,
        reason='It is the aggressor.',
    )
