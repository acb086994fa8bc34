# SPDX-License-Identifier: Apache-2.0
"""Rates: what happened between two samples of one host; pure arithmetic.

All values are exact differences of counters over ``interval_us``, in µs,
bytes or pieces. ``None`` is *not known*: a counter that is missing, went
back, began anew (another boot, process, thread or agent) or grew faster than
time allows. It is never negative and never absurd.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

from kvm_insight.model import device, sample

#: How much faster than time a thread's clock may seem to run: the threads
#: are read one after the other, and not at the sample's own instant.
_SLACK = 1.1
_SKEW_US = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class Vcpu:
    """One vCPU in the interval."""

    index: int
    run_us: int | None
    run_delay_us: int | None
    throttled_us: int | None
    halt_poll_us: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Threads:
    """All threads of one kind in the interval."""

    kind: Literal['emulator', 'iothread', 'vhost']
    run_us: int | None
    run_delay_us: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Domain:
    """One domain in the interval; sums are over all of its threads."""

    uuid: str
    epoch: str
    #: vCPUs that have a thread.
    vcpu_count: int
    vcpus: tuple[Vcpu, ...]
    threads: tuple[Threads, ...]
    run_us: int | None
    run_delay_us: int | None
    #: Part of the delay that its own quota made; None without a quota.
    throttled_us: int | None
    #: Part of the run time that was KVM polling for an idle vCPU.
    halt_poll_us: int | None
    disks: tuple[device.Disk, ...]
    interfaces: tuple[device.Interface, ...]
    memory: device.Memory | None
    #: What disks, interfaces and memory grew in: libvirt is asked more
    #: rarely, and may hang. None, and nothing grew, between two answers.
    libvirt_interval_us: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Rates:
    """One host in the interval."""

    interval_us: int
    #: Busy time of all CPUs, by everything.
    busy_us: int | None
    #: Busy time beyond all domains.
    host_us: int | None
    services: Mapping[str, int]
    domains: Mapping[str, Domain]


def between(older: sample.Sample, newer: sample.Sample) -> Rates | None:
    """Return what happened in between; None when they do not connect."""
    if older.host != newer.host or older.boot_id != newer.boot_id:
        return None
    interval_us = newer.uptime_us - older.uptime_us
    if interval_us <= 0:
        return None
    same_agent = older.agent_id == newer.agent_id
    before = {domain.uuid: domain for domain in older.domains}
    domains = {}
    for domain in newer.domains:
        known = before.get(domain.uuid)
        if known is not None and known.epoch == domain.epoch:
            domains[domain.uuid] = _domain(
                known, domain, interval_us, same_agent
            )
    busy_us = _busy(older.system, newer.system, interval_us)
    return Rates(
        interval_us,
        busy_us,
        _beyond(busy_us, newer, domains),
        _services(older.system, newer.system),
        domains,
    )


def _within(value: int | None, interval_us: int, threads: int) -> int | None:
    """Return the value if so many threads can have had it in the time."""
    if value is None:
        return None
    most = _SLACK * threads * interval_us + _SKEW_US * max(threads, 1)
    return value if value <= most else None


def _domain(
    older: sample.Domain,
    newer: sample.Domain,
    interval_us: int,
    same_agent: bool,
) -> Domain:
    answered_us = device.between_answers(older, newer, interval_us)
    vcpus = _vcpus(older, newer, interval_us)
    threads = _threads(older, newer, interval_us) if same_agent else ()
    run_us = _sum([vcpu.run_us for vcpu in vcpus])
    delay_us = _sum([vcpu.run_delay_us for vcpu in vcpus])
    poll_us = _polled(older, newer, vcpus)
    if run_us is not None:
        run_us += sum(kind.run_us or 0 for kind in threads)
        poll_us = None if poll_us is None else min(poll_us, run_us)
    if delay_us is not None:
        delay_us += sum(kind.run_delay_us or 0 for kind in threads)
    return Domain(
        newer.uuid,
        newer.epoch,
        len(vcpus),
        vcpus,
        threads,
        run_us,
        delay_us,
        _throttled(older, newer, vcpus, delay_us),
        poll_us,
        device.disks(older, newer) if answered_us else (),
        device.interfaces(older, newer) if answered_us else (),
        device.memory(older, newer) if answered_us else None,
        answered_us,
    )


def _vcpus(
    older: sample.Domain, newer: sample.Domain, interval_us: int
) -> tuple[Vcpu, ...]:
    before = {vcpu.index: vcpu for vcpu in older.vcpus}
    found = []
    for vcpu in newer.vcpus:
        if vcpu.tid is None and vcpu.run_us is None:
            continue
        known = before.get(vcpu.index)
        if known is None or known.tid != vcpu.tid:
            found.append(Vcpu(vcpu.index, None, None, None, None))
        else:
            found.append(_vcpu(known, vcpu, interval_us))
    return tuple(found)


def _vcpu(older: sample.Vcpu, newer: sample.Vcpu, interval_us: int) -> Vcpu:
    def part(before: int | None, after: int | None) -> int | None:
        return _within(device.growth(before, after), interval_us, 1)

    return Vcpu(
        newer.index,
        part(older.run_us, newer.run_us),
        part(older.run_delay_us, newer.run_delay_us),
        part(older.throttled_us, newer.throttled_us),
        part(older.halt_poll_us, newer.halt_poll_us),
    )


def _threads(
    older: sample.Domain, newer: sample.Domain, interval_us: int
) -> tuple[Threads, ...]:
    before = {threads.kind: threads for threads in older.threads}
    found = []
    for now in newer.threads:
        known = before.get(now.kind)
        if known is None:
            continue
        most = max(known.threads, now.threads, 1)
        run_us = device.growth(known.run_us, now.run_us)
        delay_us = device.growth(known.run_delay_us, now.run_delay_us)
        found.append(
            Threads(
                now.kind,
                _within(run_us, interval_us, most),
                _within(delay_us, interval_us, most),
            )
        )
    return tuple(found)


def _throttled(
    older: sample.Domain,
    newer: sample.Domain,
    vcpus: Sequence[Vcpu],
    delay_us: int | None,
) -> int | None:
    """Return the quota's part of the delay: own groups, then the domain's."""
    parts = [
        vcpu.throttled_us for vcpu in vcpus if vcpu.throttled_us is not None
    ]
    if older.cpu is not None and newer.cpu is not None:
        whole = device.growth(older.cpu.throttled_us, newer.cpu.throttled_us)
        if whole is not None:
            parts.append(whole)
    if not parts or delay_us is None:
        return None
    return min(sum(parts), delay_us)


def _polled(
    older: sample.Domain, newer: sample.Domain, vcpus: Sequence[Vcpu]
) -> int | None:
    """Return the time polled: of the vCPUs, or else of the whole domain."""
    total = _sum([vcpu.halt_poll_us for vcpu in vcpus])
    if total is not None or older.kvm is None or newer.kvm is None:
        return total
    return _sum(
        [
            device.growth(
                older.kvm.halt_poll_success_us, newer.kvm.halt_poll_success_us
            ),
            device.growth(
                older.kvm.halt_poll_fail_us, newer.kvm.halt_poll_fail_us
            ),
        ]
    )


def _sum(parts: Sequence[int | None]) -> int | None:
    """Return the sum; None if a part is not known or there is none."""
    total = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total if parts else None


def _busy(
    older: sample.System, newer: sample.System, interval_us: int
) -> int | None:
    """Return what /proc/stat counts as busy; its modes step in ticks, and
    some kernels take a tick back."""
    names = ('user', 'nice', 'system', 'irq', 'softirq', 'guest')
    total = 0
    measured = False
    for name in names:
        before = getattr(older, f'{name}_us')
        after = getattr(newer, f'{name}_us')
        if before is None or after is None:
            continue
        measured = True
        if after < before - _SKEW_US:
            return None
        total += max(0, after - before)
    return total if measured else None


def _beyond(
    busy_us: int | None,
    newer: sample.Sample,
    domains: Mapping[str, Domain],
) -> int | None:
    """Return the host's own use; None while a domain's use is not known."""
    if busy_us is None:
        return None
    for domain in newer.domains:
        if domain.state in ('running', 'blocked'):
            known = domains.get(domain.uuid)
            if known is None or known.run_us is None:
                return None
            busy_us -= known.run_us
    return max(0, busy_us)


def _services(older: sample.System, newer: sample.System) -> dict[str, int]:
    before = {service.name: service for service in older.services or ()}
    found: dict[str, int] = {}
    for service in newer.services or ():
        known = before.get(service.name)
        used = device.growth(known.run_us if known else None, service.run_us)
        if used is not None:
            found[service.name] = used
    return found
