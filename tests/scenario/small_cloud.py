# SPDX-License-Identifier: Apache-2.0
"""A small cloud: a hot host with a victim and its aggressor, and cool ones."""

import dataclasses
import uuid
from collections.abc import Iterable

import msgspec

from kvm_insight.model import (
    cluster,
    entity,
    finding,
    host_report,
    sample,
    usage,
)

NOW_US = 1_790_000_000_000_000
CORES = 8
GIB = 2**30
_replace = msgspec.structs.replace


def uuid_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


@dataclasses.dataclass(frozen=True, slots=True)
class Guest:
    """An instance, where it is, and what it wants."""

    name: str
    host: str
    cores: float
    vcpus: int = 2
    project: str = 'blue'
    group: str | None = None

    @property
    def uuid(self) -> str:
        return uuid_of(self.name)


def guests(hot: int = 1, hosts: int = 6) -> list[Guest]:
    """Return guests: each hot host has a victim, an aggressor, others."""
    found = []
    for number in range(hosts):
        host = f'r/{number}'
        if number < hot:
            found += [
                Guest(f'vic-{number}', host, 1.5),
                Guest(f'agg-{number}', host, 4.0, 4, 'red'),
                Guest(f'old-{number}', host, 2.0),
                Guest(f'web-{number}', host, 1.5),
            ]
        else:
            found += [
                Guest(f'cool-{number}-a', host, 0.5),
                Guest(f'cool-{number}-b', host, 0.7),
            ]
    return found


def described(
    known: Iterable[Guest], hosts: int = 6, time_us: int = NOW_US
) -> cluster.Cluster:
    """Return the cluster as Nova would have described it."""
    known = list(known)
    groups = sorted({one.group for one in known if one.group})
    return cluster.Cluster(
        time_us=time_us,
        hosts=[
            cluster.Host(
                name=f'r/{number}',
                provider=uuid_of(f'r/{number}'),
                inventories={
                    'VCPU': cluster.Inventory(total=8, allocation_ratio=4.0),
                    'MEMORY_MB': cluster.Inventory(total=65536),
                },
                aggregates=['ssd'] if number % 2 else [],
                availability_zone='one',
                cpu=cluster.HostCpu(model='Skylake-Server'),
                hypervisor_version=9000000,
                storage=['ceph'],
            )
            for number in range(hosts)
        ],
        instances=[
            cluster.Instance(
                uuid=one.uuid,
                host=one.host,
                name=one.name,
                project_id=one.project,
                resources={'VCPU': one.vcpus, 'MEMORY_MB': 4096},
                flavor=sample.Flavor(name=f'm{one.vcpus}', vcpus=one.vcpus),
                server_group=one.group,
                cpu_mode='host-model',
                storage='ceph',
                memory_bytes=4 * GIB,
                dirty_rate_bytes_s=10_000_000,
            )
            for one in known
        ],
        server_groups=[
            cluster.ServerGroup(id=name, policy='anti-affinity')
            for name in groups
        ],
        aggregates=[cluster.Aggregate(id='ssd', name='fast disks')],
    )


def found(victim: Guest, aggressor: Guest, now_us: int) -> finding.Finding:
    """Return the finding that one makes the other wait."""
    return finding.Finding(
        id=f'finding-{victim.name}',
        state='update',
        host=victim.host,
        resource='cpu',
        victim=_party(victim),
        verdict='antagonist',
        aggressors=[
            finding.Aggressor(
                party=_party(aggressor),
                waited_us=50_000_000,
                blame=0.9,
                excess_cores=2.0,
            )
        ],
        confidence=0.95,
        severity_cores=0.6,
        lost_us=60_000_000,
        opened_us=now_us - 120_000_000,
        updated_us=now_us,
        evidence=finding.Evidence(
            window_s=30,
            start_us=now_us - 150_000_000,
            end_us=now_us,
            first_sequence=0,
            last_sequence=3,
            agent_id='agent',
            samples=3,
            coverage=1.0,
            suffering=0.4,
            floor=0.2,
            baseline=0.0,
            baseline_source='history',
            run_us=1,
            run_delay_us=1,
            throttled_us=0,
        ),
        summary='it waits',
    )


def _party(one: Guest) -> finding.Party:
    return finding.Party(
        entity=entity.domain(one.uuid),
        uuid=one.uuid,
        name=one.name,
        project_id=one.project,
    )


def reports(
    known: Iterable[Guest],
    findings: Iterable[finding.Finding] = (),
    hosts: int = 6,
    now_us: int = NOW_US,
) -> list[host_report.HostReport]:
    """Return what the analyzer would tell of each host."""
    known, findings = list(known), list(findings)
    return [
        report(
            f'r/{number}',
            [one for one in known if one.host == f'r/{number}'],
            [one for one in findings if one.host == f'r/{number}'],
            now_us,
        )
        for number in range(hosts)
    ]


def report(
    host: str,
    known: list[Guest],
    findings: list[finding.Finding],
    now_us: int,
) -> host_report.HostReport:
    """Return what the analyzer would tell of one host."""
    wanted = sum(one.cores for one in known)
    victims = {one.victim.uuid: one.severity_cores for one in findings}
    return host_report.HostReport(
        host=host,
        time_us=now_us,
        agent_id='agent',
        sequence=1,
        window_s=120,
        cpus=CORES,
        wanted_cores=wanted,
        waited_cores=sum(victims.values()),
        own_cores=0.2,
        lost_cores=sum(victims.values()),
        memory_bytes=64 * GIB,
        memory_available_bytes=(60 - 4 * len(known)) * GIB,
        hurts=[_hurt(one) for one in findings if one.state != 'closed'],
        instances=[
            host_report.Instance(
                uuid=one.uuid,
                name=one.name,
                project_id=one.project,
                state='running',
                vcpus=one.vcpus,
                wanted_cores=one.cores,
                waited_cores=victims.get(one.uuid, 0.01),
                memory_bytes=4 * GIB,
                rss_bytes=3 * GIB,
            )
            for one in known
        ],
    )


def _hurt(one: finding.Finding) -> host_report.Hurt:
    return host_report.Hurt(
        finding_id=one.id,
        resource=one.resource,
        victim=one.victim.entity,
        verdict=one.verdict,
        aggressors=[
            host_report.Blamed(
                entity=each.party.entity,
                blame=each.blame,
                excess_cores=each.excess_cores,
            )
            for each in one.aggressors
        ],
        confidence=one.confidence,
        severity_cores=one.severity_cores,
        opened_us=one.opened_us,
    )


def hours(
    known: Iterable[Guest], number: int, end_us: int = NOW_US
) -> list[usage.HostUsage]:
    """Return so many hours of steady use, the last of them over by then."""
    known = list(known)
    last = end_us // usage.HOUR_US
    return [
        usage.HostUsage(
            host=host,
            start_us=hour * usage.HOUR_US,
            agent_id='agent',
            first_sequence=hour,
            last_sequence=hour,
            measured_us=usage.HOUR_US,
            cpus=CORES,
            instances=[_hour(one) for one in known if one.host == host],
        )
        for hour in range(last - number, last)
        for host in sorted({one.host for one in known})
    ]


def _hour(one: Guest) -> usage.Instance:
    wanted_us = round(one.cores * usage.PART_US)
    return usage.Instance(
        uuid=one.uuid,
        name=one.name,
        project_id=one.project,
        flavor=f'm{one.vcpus}',
        vcpus=one.vcpus,
        cpu=usage.Cpu(
            measured_us=usage.HOUR_US,
            run_us=wanted_us * usage.PARTS * 9 // 10,
            delay_us=wanted_us * usage.PARTS // 10,
            parts=[(usage.PART_US, wanted_us)] * usage.PARTS,
            histogram=[(usage.bin_of(one.cores), 36_000)],
        ),
    )


def moved(known: Iterable[Guest], who: str, where: str) -> list[Guest]:
    """Return the guests after one of them went elsewhere."""
    return [
        dataclasses.replace(one, host=where) if one.name == who else one
        for one in known
    ]
