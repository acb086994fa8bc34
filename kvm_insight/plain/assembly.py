# SPDX-License-Identifier: Apache-2.0
"""Assembly: what hosts without OpenStack told, as one cluster.

Where a domain is says its host's newest report; how it is built, and what a
host has for it, says ``host-config``. Who is silent keeps its domains, so that
nobody else gets their room, and takes no part. What is not known is a reason
to leave a domain where it is, in words.
"""

import collections
from collections.abc import Iterator, Mapping

from kvm_insight import exception
from kvm_insight.model import cluster, cpulist, host_config, host_report
from kvm_insight.plain import domain, places, settings
from kvm_insight.plain import known as knowledge

_MIB = 1024**2
_US = 1_000_000
#: So that a product with it is not less than what it was made of.
_UP = 1 + 1e-9


def assembled(
    known: knowledge.Known, now_us: int, rules: settings.Settings
) -> cluster.Cluster:
    """Return the cluster as it is now.

    ClusterError, with the remedy, where nobody has told anything of late.
    """
    names = _names(known, now_us, rules)
    fresh = {
        name
        for name in names
        if name in known.reports
        and abs(now_us - known.reports[name].time_us) <= rules.silent_s * _US
    }
    if not fresh:
        raise exception.ClusterError(_nobody(names, rules))
    found = places.found(
        {x: y for x, y in known.reports.items() if x in names}, fresh
    )
    view = domain.View(
        {x: y for x, y in known.configs.items() if x in names},
        fresh,
        found,
        rules,
    )
    instances = {
        uuid: domain.instance(where, view) for uuid, where in found.items()
    }
    held: dict[tuple[str, str], int] = collections.Counter()
    for uuid, where in found.items():
        for kind, amount in instances[uuid].resources.items():
            for name in where.hosts:
                held[name, kind] += amount
    newest_us = max(known.reports[name].time_us for name in fresh)
    return cluster.Cluster(
        time_us=min(newest_us, now_us),
        hosts=[
            _host(name, known, name in fresh, held, view)
            for name in sorted(names)
        ],
        instances=[*instances.values()],
        migrations=list(_migrations(found, known)),
        projects=view.projects,
    )


def _names(
    known: knowledge.Known, now_us: int, rules: settings.Settings
) -> set[str]:
    """Return the hosts that told anything within the time that counts."""
    oldest_us = now_us - rules.forget_s * _US
    told = {x for x, y in known.reports.items() if y.time_us >= oldest_us}
    return told | {
        x for x, y in known.configs.items() if y.time_us >= oldest_us
    }


def _nobody(names: set[str], rules: settings.Settings) -> str:
    if names:
        return (
            f'none of {len(names)} hosts has told anything for'
            f' {rules.silent_s} s: do agents and analyzers run, and are the'
            " hosts' clocks right?"
        )
    return (
        'no host has told of itself: run an analyzer, and agents with [agent]'
        ' tell_config = true'
    )


def _host(
    name: str,
    known: knowledge.Known,
    is_fresh: bool,
    held: Mapping[tuple[str, str], int],
    view: domain.View,
) -> cluster.Host:
    report, config = known.reports.get(name), known.configs.get(name)
    rules = view.rules
    cpus, memory_mib = _size(report, config)
    region, slash, _ = name.rpartition('/')
    return cluster.Host(
        name=name,
        inventories={
            'VCPU': _inventory(
                cpus,
                rules.reserved_cpus,
                rules.cpu_ratio,
                held.get((name, 'VCPU'), 0),
            ),
            'MEMORY_MB': _inventory(
                memory_mib,
                rules.reserved_memory_mib,
                rules.memory_ratio,
                held.get((name, 'MEMORY_MB'), 0),
            ),
        },
        up=is_fresh,
        maintenance=name in rules.maintenance,
        cpu=config.cpu if config is not None else None,
        hypervisor_version=(
            config.hypervisor_version if config is not None else None
        ),
        offers=_offers(name, config, view),
        # Hosts of two regions share a bus, and nothing else.
        nova_cell=region if slash else None,
    )


def _size(
    report: host_report.HostReport | None,
    config: host_config.HostConfig | None,
) -> tuple[int, int]:
    """Return a host's CPUs and its memory in MiB; what was measured goes
    before what was told once."""
    cpus = memory_bytes = 0
    if config is not None:
        cpus = len(cpulist.parse(config.cpus))
        memory_bytes = config.memory_bytes or 0
    if report is not None:
        cpus = report.cpus or cpus
        memory_bytes = report.memory_bytes or memory_bytes
    return cpus, memory_bytes // _MIB


def _inventory(
    total: int, reserved: int, ratio: float, held: int
) -> cluster.Inventory:
    """Return an inventory that carries what is there already: who has more
    than the ratio allows gets nothing more, and may be relieved."""
    reserved = min(reserved, max(0, total - 1))
    if total > reserved and held > (total - reserved) * ratio:
        ratio = held / (total - reserved) * _UP
    return cluster.Inventory(
        total=total, reserved=reserved, allocation_ratio=ratio
    )


def _offers(
    name: str, config: host_config.HostConfig | None, view: domain.View
) -> list[str]:
    if config is None:
        return []
    online = cpulist.parse(config.cpus)
    return [
        *config.offers,
        *(
            domain.cpus(words)
            for words, wanted in view.cpusets.items()
            if wanted <= online
        ),
        *(
            domain.name(each)
            for each in view.namesakes
            if each not in view.names[name]
        ),
    ]


def _migrations(
    found: Mapping[str, places.Place], known: knowledge.Known
) -> Iterator[cluster.Migration]:
    """Yield those that are seen on two hosts: each holds them."""
    for uuid, where in found.items():
        for other in where.hosts:
            if other != where.host:
                yield cluster.Migration(
                    instance=uuid,
                    source=where.host,
                    destination=other,
                    started_us=known.reports[other].time_us,
                )
