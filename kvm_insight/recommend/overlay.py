# SPDX-License-Identifier: Apache-2.0
"""Overlay: what is measured, laid over what Nova and Placement said.

The description of a cluster is older than the hosts' reports. Where a report
shows an instance elsewhere, it is there; what rests on the place where it
was is not known any more, so that such an instance is not touched again
before the cluster was read anew.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from kvm_insight.model import (
    cluster,
    entity,
    execution,
    host_report,
    recommendation,
)

#: UUID or host -> what is expected of it, shortest horizon first.
Peaks = Mapping[str, Sequence[cluster.Peak]]
Reports = Mapping[str, host_report.HostReport]

MOVED = 'moved since the cluster was read'
_replace = msgspec.structs.replace


def fresh(reports: Reports, now_us: int, stale_s: int) -> Reports:
    """Return the reports that still say what is."""
    oldest_us = now_us - stale_s * 1_000_000
    return {
        name: one for name, one in reports.items() if one.time_us >= oldest_us
    }


def places(reports: Reports) -> dict[str, set[str]]:
    """Return instance -> hosts that report it; two while it migrates."""
    found: dict[str, set[str]] = {}
    for name, report in reports.items():
        for one in report.instances:
            found.setdefault(one.uuid, set()).add(name)
    return found


def dirty_rates(reports: Reports) -> dict[tuple[str, str], int]:
    """Return (host, UUID) -> bytes a second, where that was measured."""
    return {
        (name, one.uuid): one.dirty_rate_bytes_s
        for name, report in reports.items()
        for one in report.instances
        if one.dirty_rate_bytes_s is not None
    }


def laid(
    whole: cluster.Cluster,
    reports: Reports,
    now_us: int,
    peaks: Peaks,
    migrations: Iterable[cluster.Migration] = (),
) -> cluster.Cluster:
    """Return the cluster as it is now, with all that was measured.

    ``reports`` are the fresh ones; ``migrations`` are those seen since the
    cluster was read.
    """
    seen = places(reports)
    hosts = {one.name for one in whole.hosts}
    loads = _instance_loads(reports, peaks)
    rates = dirty_rates(reports)
    return _replace(
        whole,
        time_us=now_us,
        hosts=[
            _host(one, reports.get(one.name), peaks) for one in whole.hosts
        ],
        instances=[
            _instance(one, seen.get(one.uuid, set()) & hosts, loads, rates)
            for one in whole.instances
        ],
        migrations=[*whole.migrations, *migrations],
    )


def moved(
    done: Iterable[recommendation.Recommendation],
) -> list[cluster.Migration]:
    """Return the moves that were seen to be carried out, as Nova would list
    them, so that who moved is left alone for a while."""
    return [
        cluster.Migration(
            instance=move.instance,
            source=move.source,
            destination=move.destination,
            state='done',
            started_us=one.outcome.executed_us,
            ended_us=one.outcome.executed_us,
        )
        for one in done
        if one.state == 'executed' and one.outcome is not None
        for move in one.moves
    ]


def tried(
    known: Mapping[str, recommendation.Recommendation],
    executions: Mapping[str, execution.Execution],
) -> Iterator[cluster.Migration]:
    """Yield the moves at which the actuator failed, so that who did not move
    is left alone for a while; libvirt keeps no list of them."""
    for name, one in executions.items():
        whole = known.get(name)
        if whole is None or one.state != 'failed':
            continue
        for move in whole.moves[one.move : one.move + 1]:
            yield cluster.Migration(
                instance=move.instance,
                source=move.source,
                destination=move.destination,
                state='failed',
                started_us=one.began_us or one.updated_us,
                ended_us=one.updated_us,
            )


def _host(
    one: cluster.Host, report: host_report.HostReport | None, peaks: Peaks
) -> cluster.Host:
    if report is None or not report.cpus:
        return _replace(one, load=None)
    own = report.own_cores or 0.0
    used_bytes = None
    available_bytes = report.memory_available_bytes
    if report.memory_bytes is not None and available_bytes is not None:
        used_bytes = max(0, report.memory_bytes - available_bytes)
    load = cluster.HostLoad(
        time_us=report.time_us,
        capacity_cores=max(0.01, report.cpus - own),
        used_cores=report.wanted_cores,
        own_cores=report.own_cores,
        lost_cores=report.lost_cores,
        memory_bytes=report.memory_bytes,
        memory_used_bytes=used_bytes,
        peaks=list(peaks.get(one.name, ())),
    )
    return _replace(one, load=load)


def _instance(
    one: cluster.Instance,
    seen: set[str],
    loads: Mapping[tuple[str, str], cluster.InstanceLoad],
    rates: Mapping[tuple[str, str], int],
) -> cluster.Instance:
    if seen and one.host not in seen:
        (place, *others) = sorted(seen)
        if others:
            return _replace(one, task='on several hosts', load=None)
        one = _replace(one, host=place)
        if one.numa or one.pci:
            one = _replace(one, task=MOVED)
    elif len(seen) > 1:
        one = _replace(one, task=one.task or 'migrating')
    key = one.host, one.uuid
    rate = rates.get(key, one.dirty_rate_bytes_s)
    return _replace(one, load=loads.get(key), dirty_rate_bytes_s=rate)


def _instance_loads(
    reports: Reports, peaks: Peaks
) -> dict[tuple[str, str], cluster.InstanceLoad]:
    found = {}
    for name, report in reports.items():
        blamed = _blamed(report)
        for one in report.instances:
            if one.wanted_cores is not None:
                found[name, one.uuid] = _load(
                    one,
                    [
                        hurt
                        for hurt in _of_cpu(report)
                        if hurt.victim == entity.domain(one.uuid)
                    ],
                    blamed.get(entity.domain(one.uuid), []),
                    peaks,
                )
    return found


def _of_cpu(report: host_report.HostReport) -> list[host_report.Hurt]:
    """Return what is lost in cores: a move is weighed by those."""
    return [hurt for hurt in report.hurts if hurt.resource == 'cpu']


def _blamed(
    report: host_report.HostReport,
) -> dict[str, list[tuple[host_report.Hurt, float]]]:
    """Return who is blamed -> for what, and how many cores of it."""
    found: dict[str, list[tuple[host_report.Hurt, float]]] = {}
    for hurt in _of_cpu(report):
        for one in hurt.aggressors:
            cores = hurt.severity_cores * one.blame
            found.setdefault(one.entity, []).append((hurt, cores))
    return found


def _load(
    one: host_report.Instance,
    hurts: Sequence[host_report.Hurt],
    caused: Sequence[tuple[host_report.Hurt, float]],
    peaks: Peaks,
) -> cluster.InstanceLoad:
    worst = max(hurts, key=lambda hurt: hurt.severity_cores, default=None)
    named = [*hurts, *(hurt for hurt, _ in caused)]
    return cluster.InstanceLoad(
        used_cores=one.wanted_cores or 0.0,
        lost_cores=sum(max(0.0, hurt.severity_cores) for hurt in hurts),
        caused_cores=sum(max(0.0, cores) for _, cores in caused),
        verdict=worst.verdict if worst is not None else None,
        findings=sorted({hurt.finding_id for hurt in named}),
        memory_used_bytes=one.rss_bytes,
        peaks=list(peaks.get(one.uuid, ())),
    )
