# SPDX-License-Identifier: Apache-2.0
"""Confidence: how often verdicts like this one are right.

What the rules think of their own evidence is put onto a monotone table of
how often such verdicts were right on simulated hosts. ``benchmarks/
calibration.py --tune`` makes the tables from the seeds for tuning.
"""

from collections.abc import Sequence

from kvm_insight.model import finding

#: Without a history of its own nothing is surer than this.
MOST_WITHOUT_HISTORY = 0.70

Table = Sequence[tuple[float, float]]

#: Kind of verdict -> points (what the rules think, how often it was right).
#: Only of those with a history: what is right without one depends on how
#: hosts were before anybody looked, which no simulation can tell.
TABLES: dict[str, Table] = {
    'antagonist/ebpf/history': (
        (0.621, 0.959),
        (0.685, 0.997),
        (0.948, 0.997),
        (0.949, 0.999),
        (0.95, 0.999),
    ),  # of 662
    'antagonist/none/history': (
        (0.388, 0.937),
        (0.409, 0.937),
        (0.436, 0.972),
        (0.536, 0.972),
        (0.539, 0.999),
        (0.57, 0.999),
    ),  # of 4361
    'host_process/ebpf/history': (
        (0.84, 0.998),
        (0.939, 0.998),
    ),  # of 81
    'host_process/none/history': (
        (0.343, 0.139),
        (0.365, 0.139),
        (0.41, 0.279),
        (0.49, 0.399),
        (0.543, 0.923),
        (0.55, 0.937),
        (0.567, 0.937),
    ),  # of 467
    'overcommit/ebpf/history': (
        (0.893, 0.83),
        (0.949, 0.979),
        (0.95, 0.982),
    ),  # of 512
    'overcommit/none/history': (
        (0.342, 0.169),
        (0.49, 0.61),
        (0.569, 0.972),
        (0.57, 0.978),
    ),  # of 10638
    'quota/ebpf/history': ((0.874, 0.963),),  # of 11
    'quota/none/history': (
        (0.556, 0.995),
        (0.57, 0.995),
    ),  # of 49
    'self_inflicted/ebpf/history': ((0.943, 0.996),),  # of 47
    'self_inflicted/none/history': (
        (0.473, 0.539),
        (0.543, 0.659),
        (0.559, 0.706),
        (0.57, 0.706),
    ),  # of 887
}


def kind(
    verdict: finding.Verdict,
    cause: str | None,
    source: str | None,
    baseline: finding.BaselineSource,
) -> str:
    """Return of which kind a verdict is: its class, and what it rests on."""
    name = 'quota' if cause == 'quota' else verdict
    return f'{name}/{source or "none"}/{baseline}'


def is_known(of_kind: str) -> bool:
    """Say whether it was counted how often verdicts of this kind are right."""
    return of_kind in TABLES


def calibrated(of_kind: str, raw: float) -> float:
    """Return how often a verdict of this kind is right; what the rules think
    where nothing is known of the kind."""
    table = TABLES.get(of_kind)
    if not table:
        return raw
    before = table[0]
    for point in table:
        if raw <= point[0]:
            width = point[0] - before[0]
            part = (raw - before[0]) / width if width > 0 else 1.0
            return before[1] + max(0.0, part) * (point[1] - before[1])
        before = point
    return before[1]
