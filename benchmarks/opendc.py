# SPDX-License-Identifier: Apache-2.0
"""OpenDC: CPU use of real VMs ("bitbrains-small"), five minutes each.

A month of GWA-T-12 Bitbrains "fastStorage", other VMs than ``bitbrains`` has.
Please cite Shen, van Beek, Iosup (CCGrid 2015).
"""

import pathlib

import numpy
from numpy import typing as npt

from kvm_insight.cmd import opendc

FOLDER = 'opendc-bitbrains-small'

Array = npt.NDArray[numpy.float64]


def read(traces: pathlib.Path, steps: int) -> tuple[Array, Array]:
    """Return what each VM used, and its cores, of those that were there from
    the first to the last day; what was not measured is 0."""
    machines = opendc.Table(traces / FOLDER / 'meta.parquet')
    fragments = opendc.Table(traces / FOLDER / 'trace.parquet')
    names, rows = machines.names()
    counts = machines.numbers('cpu_count').tolist()
    cores = {names[r]: n for r, n in zip(rows, counts, strict=True)}
    mhz = opendc.capacities(machines)
    # By the MHz of one core they come in cores.
    of_core = {name: mhz[name] / cores[name] for name in names}
    made = opendc.fragments(fragments, of_core)
    whole = max(len(one.values) for one in made)
    kept = [
        (one.values[:steps], cores[name])
        for name, one in zip(fragments.names()[0], made, strict=True)
        if len(one.values) == whole
    ]
    used = numpy.array([values for values, _ in kept])
    return numpy.nan_to_num(used), numpy.array([n for _, n in kept])
