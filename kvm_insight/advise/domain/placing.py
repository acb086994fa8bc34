# SPDX-License-Identifier: Apache-2.0
"""On which CPUs and nodes of the host a domain may be."""

from collections.abc import Mapping

from kvm_insight.model import cpulist, facts

Cpus = frozenset[int]


def parsed(text: str | None) -> Cpus | None:
    """Return a list's CPUs; None for no list."""
    if text is None:
        return None
    try:
        return cpulist.parse(text)
    except ValueError:
        return None


def pins(domain: facts.DomainFacts) -> Mapping[str, Cpus]:
    """Return vCPU -> where it is pinned, of those that are."""
    found = {vcpu: parsed(text) for vcpu, text in domain.pins.items()}
    return {vcpu: cpus for vcpu, cpus in found.items() if cpus}


def dedicated(domain: facts.DomainFacts) -> Mapping[str, int]:
    """Return vCPU -> its CPU, of those that have exactly one."""
    return {
        vcpu: next(iter(cpus))
        for vcpu, cpus in pins(domain).items()
        if len(cpus) == 1
    }


def allowed(domain: facts.DomainFacts, online: Cpus) -> Cpus:
    """Return where its vCPUs may run, the one or the other."""
    own = pins(domain)
    rest = parsed(domain.cpuset) or online
    if len(own) >= (domain.vcpus_current or domain.vcpus or 0):
        rest = frozenset()
    return frozenset().union(rest, *own.values())


def emulator(domain: facts.DomainFacts, online: Cpus) -> Cpus:
    """Return where QEMU's own threads may run."""
    return parsed(domain.emulator_pin) or parsed(domain.cpuset) or online


def cores(host: facts.HostFacts) -> list[Cpus] | None:
    """Return the CPUs of each core with several; None where not known."""
    if host.cores is None:
        return None
    return [parsed(text) or frozenset() for text in host.cores]


def nodes(host: facts.HostFacts) -> Mapping[int, Cpus]:
    """Return node -> its CPUs."""
    return {
        one.number: parsed(one.cpus) or frozenset() for one in host.nodes or ()
    }
