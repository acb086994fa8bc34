# SPDX-License-Identifier: Apache-2.0
"""The contention ledger of slices, as each of the two collectors has it."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy
from numpy import typing as npt

from kvm_insight.model import contention, entity, sample
from kvm_insight.simulate import plan, readings

Ints = npt.NDArray[numpy.int64]
Ledgers = list[sample.Ledger | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Ticks:
    """What the agent reads each second: tick x thread."""

    at_us: Ints
    run_us: Ints
    delay_us: Ints
    throttled_us: Ints
    last_cpu: Ints


def exact(
    host: plan.Host, at_us: Ints, charged: Ints, missed: float
) -> Ledgers:
    """Return the ledger that the kernel's own switches give.

    ``charged``: reading x victim x runner, then idle, quota, unattributed.
    """
    return [
        sample.Ledger(
            source='ebpf',
            interval_us=interval_us,
            rows=list(_exact_rows(host, matrix, missed)),
        )
        for interval_us, matrix in zip(_intervals(at_us), charged, strict=True)
    ]


def _exact_rows(
    host: plan.Host, matrix: Ints, missed: float
) -> Iterator[sample.Row]:
    names = [*readings.names(host), *_REST]
    for row, guest in enumerate(host.guests):
        charges: dict[str, int] = {}
        for at in numpy.flatnonzero(matrix[row]):
            name = names[at]
            charges[name] = charges.get(name, 0) + int(matrix[row, at])
        if charges:
            whole = sum(charges.values())
            lost = charges.get(entity.UNATTRIBUTED, 0) / whole
            known = round((1 - missed) * (1 - lost), 4)
            yield sample.Row(
                victim=guest.uuid, charges=charges, confidence=known
            )


_REST = (entity.IDLE, entity.QUOTA, entity.UNATTRIBUTED)


def sampled(host: plan.Host, at_us: Ints, ticks: Ticks) -> Ledgers:
    """Return the ledger that the agent's own formula makes of the ticks.

    A sweep has the ticks since the one before, as in the agent.
    """
    found: Ledgers = []
    charged = _charged(host, ticks)
    next_us, accounts = next(charged)
    sums: dict[str, contention.Account] = {}
    for interval_us, now_us in zip(_intervals(at_us), at_us, strict=True):
        while next_us <= now_us:
            for name, account in accounts.items():
                sums.setdefault(name, contention.Account()).add(account)
            next_us, accounts = next(charged, (1 << 62, {}))
        found.append(_summed(sums, interval_us))
        sums = {}
    return found


def _summed(
    sums: dict[str, contention.Account], interval_us: int
) -> sample.Ledger:
    rows = [
        sample.Row(
            victim=uuid,
            charges=dict(sorted(account.charges.items())),
            confidence=round(contention.confidence(account), 4),
        )
        for name, account in sorted(sums.items())
        if (uuid := entity.uuid_of(name)) is not None and account.charges
    ]
    return sample.Ledger(source='sampled', interval_us=interval_us, rows=rows)


def _charged(
    host: plan.Host, ticks: Ticks
) -> Iterator[tuple[int, dict[str, contention.Account]]]:
    """Return what each tick charges, with its time."""
    owners = readings.threads(host).owner.tolist()
    names = readings.names(host)
    places = [cpus for threads in host.places() for cpus in threads]
    lives = _lives(host)
    last: contention.Reading | None = None
    for at, now_us in enumerate(ticks.at_us.tolist()):
        columns = (
            ticks.run_us[at].tolist(),
            ticks.delay_us[at].tolist(),
            ticks.last_cpu[at].tolist(),
            ticks.throttled_us[at].tolist(),
        )
        threads = {
            tid: contention.Thread(
                names[owner], run, delay, cpu, places[tid], throttled
            )
            for tid, (owner, run, delay, cpu, throttled) in enumerate(
                zip(owners, *columns, strict=True)
            )
            if lives[tid][0] <= now_us < lives[tid][1]
        }
        reading = contention.Reading(now_us, threads, {})
        if last is not None:
            yield now_us, contention.charge(last, reading)
        last = reading


def _lives(host: plan.Host) -> list[tuple[float, float]]:
    """Return from when to when each thread is there, in µs."""
    micro = readings.MICRO
    found = [
        (guest.plugged(vcpu) * micro, guest.ends_s * micro)
        for guest in host.guests
        for vcpu in range(guest.vcpus)
    ]
    threads = sum(one.threads for one in host.services)
    return found + [(0.0, float('inf'))] * threads


def _intervals(at_us: Sequence[int] | Ints) -> list[int]:
    grown: list[int] = numpy.diff(at_us, prepend=at_us[:1]).tolist()
    return grown
