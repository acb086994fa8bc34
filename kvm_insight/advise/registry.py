# SPDX-License-Identifier: Apache-2.0
"""All checks there are, and running them; a subject is one line here."""

import dataclasses
from typing import Generic

from kvm_insight.advise import check
from kvm_insight.advise.domain import (
    agent,
    balloon,
    cache,
    cpu,
    cpu_peer,
    disk,
    hugepages,
    iothread,
    limit,
    machine,
    nic,
    pinning,
    placement,
    rng,
    timer,
    topology,
    use,
    windows,
)
from kvm_insight.advise.fleet import spare
from kvm_insight.advise.host import (
    device,
    extension,
    frequency,
    kvm,
    memory,
    mitigation,
    numa,
    overcommit,
    reclaim,
    system,
)
from kvm_insight.advise.instance import idle, size, week
from kvm_insight.advise.instance import memory as memory_size
from kvm_insight.model import facts

HOST: tuple[check.Check[check.HostCase], ...] = (
    *kvm.CHECKS,
    *extension.CHECKS,
    *mitigation.CHECKS,
    *frequency.CHECKS,
    *numa.CHECKS,
    *memory.CHECKS,
    *reclaim.CHECKS,
    *overcommit.CHECKS,
    *device.CHECKS,
    *system.CHECKS,
)
DOMAIN: tuple[check.Check[check.DomainCase], ...] = (
    *cpu.CHECKS,
    *cpu_peer.CHECKS,
    *topology.CHECKS,
    *disk.CHECKS,
    *cache.CHECKS,
    *iothread.CHECKS,
    *limit.CHECKS,
    *nic.CHECKS,
    *rng.CHECKS,
    *balloon.CHECKS,
    *hugepages.CHECKS,
    *placement.CHECKS,
    *pinning.CHECKS,
    *use.CHECKS,
    *windows.CHECKS,
    *timer.CHECKS,
    *machine.CHECKS,
    *agent.CHECKS,
)
INSTANCE: tuple[check.Check[check.InstanceCase], ...] = (
    *size.CHECKS,
    *idle.CHECKS,
    *week.CHECKS,
    *memory_size.CHECKS,
)
FLEET: tuple[check.Check[check.FleetCase], ...] = (*spare.CHECKS,)

_BY_ID: dict[
    str, check.Check[check.HostCase] | check.Check[check.DomainCase]
] = {
    **{one.id: one for one in HOST},
    **{one.id: one for one in DOMAIN},
}
#: What may be told to whom an instance belongs.
TOLD = frozenset(one.id for one in DOMAIN if not one.private)


@dataclasses.dataclass(frozen=True, slots=True)
class Result(Generic[check.C]):
    """A check's answer for one host or domain."""

    asked: check.Check[check.C]
    outcome: check.Outcome


def known(
    name: str,
) -> check.Check[check.HostCase] | check.Check[check.DomainCase] | None:
    """Return the check with this id; None where there is none."""
    return _BY_ID.get(name)


def of_host(case: check.HostCase) -> list[Result[check.HostCase]]:
    """Return the answers of all checks of a host, in the registry's order."""
    return [Result(one, one.look(case)) for one in HOST]


def of_domain(case: check.DomainCase) -> list[Result[check.DomainCase]]:
    """Return the answers of all checks of a domain."""
    return [Result(one, one.look(case)) for one in DOMAIN]


def of_domains(
    host: facts.HostFacts, domains: tuple[facts.DomainFacts, ...]
) -> dict[str, list[Result[check.DomainCase]]]:
    """Return UUID -> the answers, for all domains of one host."""
    return {
        one.uuid: of_domain(check.DomainCase(one, host, domains))
        for one in domains
    }


def of_instance(case: check.InstanceCase) -> list[Result[check.InstanceCase]]:
    """Return the answers of all checks of an instance's history."""
    return [Result(one, one.look(case)) for one in INSTANCE]


def of_fleet(case: check.FleetCase) -> list[Result[check.FleetCase]]:
    """Return the answers of all checks of a fleet."""
    return [Result(one, one.look(case)) for one in FLEET]
