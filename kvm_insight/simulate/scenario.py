# SPDX-License-Identifier: Apache-2.0
"""Scenarios: what may happen on hosts, each by name and from a seed."""

from collections.abc import Callable

import numpy

from kvm_insight import exception
from kvm_insight.simulate import (
    demand,
    scenario_cpu,
    scenario_device,
    scenario_life,
    stage,
)

Maker = Callable[[stage.Setting], list[stage.Scene]]

#: Name -> what sets it up; its docstring says what happens.
KINDS: dict[str, Maker] = {
    **scenario_cpu.KINDS,
    **scenario_device.KINDS,
    **scenario_life.KINDS,
}

_CPUS = {'water': (8, 16, 32, 64), 'slices': (2, 4, 8)}
_HOURS = {'water': 3.0, 'slices': 0.75}
_PLACEMENTS: tuple[stage.Placement, ...] = ('floating', 'node', 'pinned')


def build(
    kind: str,
    seed: int,
    *,
    family: stage.Family = 'water',
    cpus: int | None = None,
    placement: stage.Placement | None = None,
    hours: float | None = None,
    warm_s: float = stage.WARM_S,
    ledger: stage.Source | None = None,
    traces: tuple[demand.Trace, ...] = (),
    dirty: bool = False,
) -> list[stage.Scene]:
    """Return the hosts of a scenario; what is not given is drawn.

    Raises ConfigError for a name or a figure that cannot be.
    """
    if kind not in KINDS:
        raise exception.ConfigError(
            f'scenario {kind!r} is not known; one of: {", ".join(KINDS)}'
        )
    hours = _HOURS[family] if hours is None else hours
    if not 0 < hours <= 24 * 366:
        raise exception.ConfigError(f'{hours} hours: not above 0')
    if cpus is not None and not 1 <= cpus <= 1024:
        raise exception.ConfigError(f'{cpus} CPUs: not from 1 to 1024')
    if ledger is not None and family != 'slices':
        raise exception.ConfigError(
            f'ledger {ledger!r}: the water family has none; use slices'
        )
    rng = numpy.random.default_rng([seed, 3])
    drawn = int(rng.choice(_CPUS[family]))
    chosen = _PLACEMENTS[int(rng.integers(3))]
    setting = stage.Setting(
        seed=seed,
        family=family,
        cpus=cpus or drawn,
        placement=placement or chosen,
        seconds=hours * 3600,
        warm_s=min(warm_s, hours * 3600),
        ledger=ledger,
        traces=traces,
    )
    scenes = KINDS[kind](setting)
    return [scenario_life.soiled(one) for one in scenes] if dirty else scenes
