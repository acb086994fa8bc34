# SPDX-License-Identifier: Apache-2.0
"""A fleet out of some generated hosts: copies, each with its own state.

A host's windows and baselines take hours of samples to fill. Some templates
go that way; their copies begin where they stand.
"""

import dataclasses
import pathlib
from collections.abc import Iterator

import msgspec
import zstandard

from benchmarks import fleet, report
from kvm_insight.conf import analyzer
from kvm_insight.detect import shard
from kvm_insight.model import codec, state

#: One template in so many has contention.
CONTENDED = 10
#: Two hours of baseline and ten minutes of window, and a little more.
FILL = 6 * 135
SERVICE = analyzer.Settings()
#: Samples after that: as many as from one state record to the next.
ROUNDS = SERVICE.state_every


@dataclasses.dataclass(frozen=True, slots=True)
class Template:
    """One host that ran until all is full, and what it says next."""

    name: str
    state: bytes
    records: list[bytes]


def run_templates(folder: pathlib.Path, seed: int, count: int) -> None:
    """Let each template's host run until its windows are full."""
    for number in range(count):
        name = f'region/host-t{number:05}'
        host = fleet.Host(
            name, seed * 1000 + number, contended=number % CONTENDED == 0
        )
        held = shard.Shard(SERVICE.rules, 0)
        for offset, record in enumerate(host.records(FILL)):
            held.consume(offset, name, record)
        (kept,) = held.all()
        # Its copies begin a topic of their own.
        kept = msgspec.structs.replace(kept, offset=0)
        place = folder / f'{number:05}'
        place.with_suffix('.state').write_bytes(codec.encode(kept))
        place.with_suffix('.records').write_bytes(
            b'\n'.join(host.records(ROUNDS))
        )
        report.say(f'{name}: {FILL} samples, then {ROUNDS} to measure')


def templates(folder: pathlib.Path, step: int = 1) -> list[Template]:
    """Return each step-th template that was left in the folder."""
    return [
        Template(
            f'region/host-t{path.stem}',
            path.read_bytes(),
            path.with_suffix('.records').read_bytes().split(b'\n'),
        )
        for path in sorted(folder.glob('*.state'))[::step]
    ]


def take_over(
    held: shard.Shard, templates: list[Template], count: int
) -> None:
    """Let a shard have copies of the templates' hosts, as they stand."""
    for number in range(count):
        one = templates[number % len(templates)]
        kept = one.state.replace(one.name.encode(), _name(number))
        held.restore(codec.decode(kept, state.HostState))


def _name(number: int) -> bytes:
    return f'region/host-{number:06}'.encode()


def batches(
    templates: list[Template], count: int, rounds: int
) -> Iterator[list[bytes]]:
    """Yield what each poll of the bus brings, packed as it lies there."""
    packer = zstandard.ZstdCompressor()
    batch = []
    for turn in range(rounds):
        for number in range(count):
            one = templates[number % len(templates)]
            record = one.records[turn]
            record = record.replace(one.name.encode(), _name(number))
            batch.append(packer.compress(record))
            if len(batch) == SERVICE.batch:
                yield batch
                batch = []
    if batch:
        yield batch
