# SPDX-License-Identifier: Apache-2.0
"""What the VMs of the oscillation bench want: Bitbrains, PlanetLab, OpenDC.

Seeds below 9000 play other VMs and other days than those from 9000 on, and
none of OpenDC's, by which nothing was ever chosen.
"""

import dataclasses
import gzip
import pathlib

import numpy as np
import numpy.typing as npt

from benchmarks import opendc

Floats = npt.NDArray[np.float64]
STEP_S = 300
DAY_S = 24 * 3600


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """Cores wanted by each VM in each step."""

    name: str
    wanted: Floats
    limits: Floats
    hosts: int


def read(folder: pathlib.Path, reporting: bool, quick: bool) -> list[Trace]:
    """Return the traces: one half to tune on, the other to report on."""
    days = ['20110303'] if not reporting else ['20110306', '20110322']
    length = 3 if quick else 10
    found = [_bitbrains(folder, int(reporting), length)]
    if reporting:
        wanted, limits = opendc.read(folder, length * DAY_S // STEP_S)
        found.append(Trace('opendc', wanted, limits, 4))
    for day in days[: 1 if quick else None]:
        path = folder / 'planetlab-2011' / f'{day}.csv.gz'
        with gzip.open(path, 'rt') as lines:
            table = np.array(
                [
                    [float(x) for x in line.split(',')[1:]]
                    for line in lines
                    if line[0].isdigit() or ',' in line
                ]
            )
        found.append(_scaled(f'planetlab-{day}', table / 100, 20))
    return found


def _scaled(name: str, wanted: Floats, hosts: int) -> Trace:
    return Trace(name, wanted, np.ones(len(wanted)), hosts)


def _bitbrains(folder: pathlib.Path, part: int, days: int) -> Trace:
    """Return every second VM of the trace, on a grid of five minutes."""
    path = folder / 'bitbrains-rnd' / 'rnd-2013-07-120vm-14d.csv.gz'
    rows: dict[str, list[tuple[float, float, float]]] = {}
    with gzip.open(path, 'rt') as lines:
        head = next(lines).strip().split(',')
        vm, ts, cores, percent = (
            head.index(x) for x in ('vm', 'ts', 'cores', 'cpu_pct')
        )
        for line in lines:
            cell = line.split(',')
            count = float(cell[cores])
            used = min(1.0, max(0.0, float(cell[percent]) / 100)) * count
            rows.setdefault(cell[vm], []).append(
                (float(cell[ts]), used, count)
            )
    names = sorted(rows)[part::2]
    start = min(rows[name][0][0] for name in names)
    grid = start + np.arange(days * DAY_S // STEP_S) * STEP_S
    wanted, limits = [], []
    for name in names:
        table = np.array(sorted(rows[name]))
        wanted.append(np.interp(grid, table[:, 0], table[:, 1]))
        limits.append(table[:, 2].max())
    return Trace('bitbrains', np.array(wanted), np.array(limits), 8)
