# SPDX-License-Identifier: Apache-2.0
"""What following the advice on a domain changes, measured on real guests.

Guests run side by side of which two each differ in the one thing that a
check's remedy changes; in turns, before and after, each of the two has its
disk loaded while all others stand idle. Inside it is counted what was done,
on the host what QEMU's threads cost. An effect shows where it goes the
promised way in 7 of 8 pairs, and its median lies outside the quartiles of the
yardstick: the same with two guests that differ in nothing.
"""

import contextlib
import dataclasses
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from lab import daemon, guest, virt  # noqa: E402

from benchmarks import advice_guest, report  # noqa: E402 - as above
from benchmarks.advice_guest import Kind, Load, Measure  # noqa: E402

#: Of all pairs, so many must go the promised way.
AGREE = 7 / 8
READS = Load('r', 8)
Pair = tuple[Measure, Measure]
Guests = dict[tuple[str, Kind], advice_guest.Guest]


@dataclasses.dataclass(frozen=True, slots=True)
class Promise:
    """One load, and what of it shall become better."""

    words: str
    load: Load
    #: A field of ``Measure``.
    of: str
    #: Whether more is better.
    more: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """A check's remedy: one thing before and after."""

    check: str
    before: Kind
    after: Kind
    promises: tuple[Promise, ...]


QUICKER = ('requests_per_s', True)
CHEAPER = ('cpu_us', False)
UNCHANGED = Change(
    'unchanged', Kind(), Kind(), (Promise('8 reads at once', READS, *QUICKER),)
)
CHANGES = (
    Change(
        'disk.emulated',
        Kind(bus='ide'),
        Kind(),
        (
            Promise('1 read at a time', Load('r', 1), *QUICKER),
            Promise('8 reads at once', READS, *QUICKER),
        ),
    ),
    Change(
        'cache.synchronous',
        Kind(cache='writethrough', io='threads'),
        Kind(),
        (
            Promise('flush after 16 writes', Load('w', 1, 16), *QUICKER),
            Promise('flush after each write', Load('w', 1, 1), *QUICKER),
        ),
    ),
    Change(
        'cache.doubled',
        Kind(cache='writeback', io='threads'),
        Kind(),
        (Promise('8 reads at once', READS, 'cached_mib', more=False),),
    ),
    Change(
        'cache.aio-threads',
        Kind(io='threads'),
        Kind(),
        (Promise('8 reads at once', READS, *CHEAPER),),
    ),
    Change(
        'iothread.missing',
        Kind(),
        Kind(iothread=True),
        (Promise('8 reads at once', READS, *QUICKER),),
    ),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    pairs: int
    ms: int


FULL, QUICK = Size(8, 1000), Size(2, 500)


def main() -> int:
    """Measure all changes and print one JSON object."""
    args = report.options(__doc__).parse_args()
    size = QUICK if args.quick else FULL
    changes = CHANGES[:1] if args.quick else CHANGES
    load_before = os.getloadavg()[0]
    home = tempfile.mkdtemp(prefix='kvm-insight-advice-', dir='/var/tmp')
    lab = daemon.Lab(pathlib.Path(home))
    try:
        advice_guest.prepare(lab)
        how = virt.decide(lab.place.kernel, lab.place.initrd)
        report.say(f'guests by {how}')
        with _booted(lab, (UNCHANGED, *changes), how, args.seed) as guests:
            found = {
                one.check: dict(_measured(guests, one, size, args.seed))
                for one in (UNCHANGED, *changes)
            }
    finally:
        lab.down()
        shutil.rmtree(home, ignore_errors=True)
    rows = {
        f'{one.check}: {promise.words}': judge(
            promise,
            found[one.check][promise],
            found['unchanged'][UNCHANGED.promises[0]],
        )
        for one in (UNCHANGED, *changes)
        for promise in one.promises
    }
    return report.tell(
        'Following the advice changes what a guest gets or costs',
        _figures(rows, changes),
        {} if args.quick else {'effects_shown': report.Bound(least=3)},
        {'unchanged': rows.pop('unchanged: 8 reads at once')},
        args.seed,
        quick=args.quick,
        groups=rows,
        machine=_machine(how, load_before),
    )


@contextlib.contextmanager
def _booted(
    lab: daemon.Lab, changes: Sequence[Change], how: str, seed: int
) -> Iterator[Guests]:
    """Yield a guest of each kind before, and one of each after."""
    made: Guests = {}
    try:
        for one in changes:
            for when, kind in (('before', one.before), ('after', one.after)):
                if (when, kind) not in made:
                    name = f'{when}-{len(made)}'
                    made[when, kind] = advice_guest.Guest(
                        lab, name, kind, how, seed
                    )
                    # One by one: all at once take long on few CPUs.
                    made[when, kind].wait_booted()
                    report.say(f'{name} is up: {kind}')
        yield made
    finally:
        for each in made.values():
            each.end()


def _measured(
    guests: Guests, one: Change, size: Size, seed: int
) -> Iterator[tuple[Promise, list[Pair]]]:
    both = guests['before', one.before], guests['after', one.after]
    for promise in one.promises:
        report.say(f'{one.check}: {promise.words}')
        for each in both:
            # The first load finds caches of QEMU and the guest cold.
            each.measure(promise.load, size.ms // 2, seed)
        yield promise, _pairs(both, promise.load, size, seed)


def _pairs(
    both: Sequence[advice_guest.Guest], load: Load, size: Size, seed: int
) -> list[Pair]:
    found = []
    for turn in range(1, size.pairs + 1):
        # Both of a pair ask for the same blocks.
        before, after = (
            each.measure(load, size.ms, seed + turn) for each in both
        )
        found.append((before, after))
        report.say(f'  {before.requests_per_s:.0f} {after.requests_per_s:.0f}')
    return found


def judge(
    promise: Promise, pairs: Sequence[Pair], same: Sequence[Pair]
) -> dict[str, float | str]:
    """Return the medians before and after, the ratios, and the verdict."""
    row: dict[str, float | str] = {}
    for name in ('requests_per_s', 'cpu_us', 'beside_us', 'cached_mib'):
        for at, when in enumerate(('before', 'after')):
            values = [getattr(pair[at], name) for pair in pairs]
            row[f'{name}_{when}'] = _round(statistics.median(values))
    ratios = _ratios(pairs, promise.of)
    low, middle, high = statistics.quantiles(ratios, n=4, method='inclusive')
    row |= {'of': promise.of, 'ratio': _round(middle)}
    row |= {'ratio_q1': _round(low), 'ratio_q3': _round(high)}
    agree = sum((one > 1) if promise.more else (one < 1) for one in ratios)
    usual = statistics.quantiles(
        _ratios(same, promise.of), n=4, method='inclusive'
    )
    beyond = middle > usual[2] if promise.more else middle < usual[0]
    shows = beyond and agree >= AGREE * len(pairs)
    row |= {'agree': f'{agree}/{len(pairs)}'}
    row |= {'effect': 'shows' if shows else 'does not show'}
    return row


def _ratios(pairs: Sequence[Pair], name: str) -> list[float]:
    both = [(getattr(x, name), getattr(y, name)) for x, y in pairs]
    # None of it before and after is no change.
    return [y / x if x else 1.0 + y for x, y in both]


def _round(value: float) -> float:
    return float(f'{value:.3g}')


def _figures(
    rows: Mapping[str, Mapping[str, float | str]], changes: Sequence[Change]
) -> dict[str, float]:
    """Return the number of checks whose effect shows, and the ratios."""
    figures = {
        'effects_shown': float(
            sum(
                any(
                    rows[f'{one.check}: {promise.words}']['effect'] == 'shows'
                    for promise in one.promises
                )
                for one in changes
            )
        )
    }
    for one in changes:
        for promise in one.promises:
            row = rows[f'{one.check}: {promise.words}']
            words = f'{one.check} {promise.words} {promise.of} ratio'
            name = ''.join(x if x.isalnum() else '_' for x in words)
            figures[name] = float(row['ratio'])
    return figures


def _machine(how: str, load_before: float) -> dict[str, str | float]:
    """Return where it was measured, as the page tells it."""
    said = subprocess.run(
        [guest.EMULATOR, '--version'],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return {
        'accelerator': 'KVM' if how == 'kvm' else 'TCG',
        'cpus': os.cpu_count() or 0,
        'kernel': platform.release(),
        'qemu': said.splitlines()[0],
        'load_before': round(load_before, 1),
        'load_after': round(os.getloadavg()[0], 1),
    }


if __name__ == '__main__':
    sys.exit(main())
