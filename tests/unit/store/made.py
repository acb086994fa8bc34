# SPDX-License-Identifier: Apache-2.0
"""Records as services make them, from the golden ones."""

import pathlib
import random
from typing import TypeVar

import msgspec

from kvm_insight.model import (
    codec,
    configuration,
    control,
    finding,
    host_report,
    recommendation,
    sample,
    usage,
)
from kvm_insight.store.write import told

_FOLDER = pathlib.Path(__file__).parents[1] / 'model/golden'
Record = TypeVar('Record', bound=sample.Wire)
#: A time in the middle of a day.
START_US = 480_012 * usage.HOUR_US


def golden(name: str, kind: type[Record]) -> Record:
    """Return a golden record."""
    path = _FOLDER / f'{name}-1.json'
    return codec.decode(path.read_bytes().strip(), kind)


def uuid(number: int) -> str:
    """Return an instance's UUID."""
    return f'00000000-0000-4000-8000-{number:012d}'


def said(
    record: Record, key: str = '', *, offset: int = 0, bus_us: int = START_US
) -> told.Told[Record]:
    """Return a record as it comes from the bus."""
    return told.Told(offset, key, record, codec.encode(record), bus_us)


def gone(key: str, bus_us: int = START_US) -> told.Told[sample.Wire]:
    """Return what takes a key back."""
    return told.Told(0, key, None, b'', bus_us)


def hour(
    host: str, number: int, agent: str = 'a', samples: int = 360
) -> usage.HostUsage:
    """Return an hour that depends on these alone."""
    chance = random.Random(f'{host} {number} {agent} {samples}')
    # Whoever was there in fewer samples is there in more.
    place = random.Random(f'{host} {number} {agent}')
    guests = sorted(place.sample(range(5), 3)[:samples])
    names = ['host', 'quota', *(f'domain:{uuid(one)}' for one in guests)]
    return usage.HostUsage(
        host=host,
        start_us=START_US + number * usage.HOUR_US,
        agent_id=f'{host}-{agent}',
        first_sequence=number * 1000,
        last_sequence=number * 1000 + samples,
        samples=samples,
        measured_us=chance.randrange(1, usage.HOUR_US),
        cpus=8,
        memory_bytes=2**34,
        busy_us=chance.randrange(10**9),
        pressure={'cpu_some_us': chance.randrange(10**6)},
        ledger_us={'ebpf': usage.HOUR_US},
        instances=[_guest(one, chance) for one in guests],
        entities=names,
        charges=[
            (2, runner, chance.randrange(1, 10**6))
            for runner in range(len(names))
        ],
    )


def _guest(number: int, chance: random.Random) -> usage.Instance:
    bins = sorted(chance.sample(range(usage.BINS), 3))
    return usage.Instance(
        uuid=uuid(number),
        name=f'instance-{number}',
        project_id=f'project-{number % 2}',
        project_name=f'project-{number % 2}',
        vcpus=2,
        memory_bytes=2**30,
        cpu=usage.Cpu(
            measured_us=chance.randrange(1, usage.HOUR_US),
            run_us=chance.randrange(10**9),
            delay_us=chance.randrange(10**9),
            histogram=[(one, chance.randrange(1, 9000)) for one in bins],
            lost_us={'antagonist': chance.randrange(10**6)},
        ),
        disk=usage.Disk(
            measured_us=usage.HOUR_US,
            read_bytes=chance.randrange(10**9),
            peak_bytes_s=chance.randrange(10**6),
        )
        if chance.random() < 0.7
        else None,
    )


def report(host: str, at_us: int, guests: tuple[int, ...]) -> bytes:
    """Return a host's report as bytes, with these instances."""
    one = golden('host', host_report.HostReport)
    return codec.encode(
        msgspec.structs.replace(
            one,
            host=host,
            time_us=START_US + at_us,
            instances=[
                msgspec.structs.replace(
                    one.instances[0], uuid=uuid(number), name=f'i{number}'
                )
                for number in guests
            ],
        )
    )


def incident(name: str, step: int, *, closed: bool) -> finding.Finding:
    """Return a finding as it was at one step."""
    one: finding.Finding = golden('finding', finding.Finding)
    return msgspec.structs.replace(
        one,
        id=name,
        state='closed' if closed else 'update',
        lost_us=step * 1000,
        updated_us=START_US + step,
        closed_us=START_US + step if closed else None,
        aggressors=one.aggressors[: step % 2 + 1],
    )


def advice(
    name: str, generation: int, state: str
) -> recommendation.Recommendation:
    """Return a recommendation in one state."""
    one = golden('recommendation', recommendation.Recommendation)
    return msgspec.structs.replace(
        one, id=name, generation=generation, state=state
    )


def mute(host: str, by: str) -> control.Order:
    """Return a word about a host."""
    return control.Order(
        kind='mute', about='host', subject=host, by=by, made_us=START_US
    )


def setup(
    name: str, host: str, guest: int | None, step: int, *, closed: bool
) -> configuration.Finding:
    """Return what is set up badly as it was at one step; it opens anew
    after each that closed."""
    party = guest and finding.Party(
        entity=f'domain:{uuid(guest)}',
        uuid=uuid(guest),
        name=f'i{guest}',
        project_id=f'project-{guest % 2}',
        project_name=f'project-{guest % 2}',
    )
    return configuration.Finding(
        id=name,
        state='closed' if closed else 'open',
        host=host,
        check='disk.emulated' if guest else 'kvm.absent',
        party=party or None,
        severity='high' if step % 2 else 'low',
        what=f'step {step}',
        evidence=[configuration.Evidence(where='/x', value=str(step))],
        opened_us=START_US + step // 3 * 3,
        updated_us=START_US + step,
        closed_us=START_US + step if closed else None,
        closed_reason='mended' if closed else None,
    )
