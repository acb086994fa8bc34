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
        (0.703, 0.993),
        (0.846, 0.998),
        (0.91, 0.998),
        (0.939, 0.998),
        (0.948, 0.998),
    ),  # of 649
    'antagonist/none/history': (
        (0.478, 0.96),
        (0.542, 0.975),
        (0.556, 1.0),
        (0.565, 1.0),
        (0.569, 1.0),
    ),  # of 1590
    'host_process/ebpf/history': ((0.95, 0.999),),  # of 81
    'host_process/none/history': ((0.57, 0.507),),  # of 144
    'overcommit/ebpf/history': (
        (0.949, 0.951),
        (0.95, 0.951),
    ),  # of 516
    'overcommit/none/history': (
        (0.569, 0.922),
        (0.57, 0.941),
    ),  # of 3161
    'quota/ebpf/history': ((0.95, 0.963),),  # of 11
    'quota/none/history': ((0.57, 0.981),),  # of 17
    'self_inflicted/ebpf/history': ((0.949, 0.996),),  # of 47
    'self_inflicted/none/history': (
        (0.569, 0.631),
        (0.57, 0.749),
    ),  # of 236
}


def kind(
    verdict: finding.Verdict,
    cause: str | None,
    source: str | None,
    *,
    history: bool,
) -> str:
    """Return of which kind a verdict is: its class, and what it rests on."""
    name = 'quota' if cause == 'quota' else verdict
    return f'{name}/{source or "none"}/{"history" if history else "none"}'


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
