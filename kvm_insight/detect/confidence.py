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
        (0.688, 0.985),
        (0.838, 0.998),
        (0.908, 0.998),
        (0.939, 0.998),
        (0.948, 0.998),
    ),  # of 662
    'antagonist/none/history': (
        (0.485, 0.965),
        (0.548, 1.0),
        (0.559, 1.0),
        (0.563, 1.0),
        (0.568, 1.0),
    ),  # of 4362
    'host_process/ebpf/history': ((0.937, 0.999),),  # of 81
    'host_process/none/history': (
        (0.563, 0.627),
        (0.57, 0.627),
    ),  # of 519
    'overcommit/ebpf/history': (
        (0.946, 0.93),
        (0.95, 0.982),
    ),  # of 512
    'overcommit/none/history': (
        (0.539, 0.758),
        (0.57, 0.978),
    ),  # of 10637
    'quota/ebpf/history': ((0.874, 0.963),),  # of 11
    'quota/none/history': (
        (0.556, 0.995),
        (0.57, 0.995),
    ),  # of 49
    'self_inflicted/ebpf/history': ((0.943, 0.996),),  # of 47
    'self_inflicted/none/history': (
        (0.552, 0.683),
        (0.57, 0.703),
    ),  # of 886
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
