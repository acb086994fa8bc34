# SPDX-License-Identifier: Apache-2.0
"""Plots of a report as rectangles and ticks, which a template draws."""

import dataclasses
import datetime
import math
from collections.abc import Callable, Iterator, Sequence

from kvm_insight.model import tenant_report
from kvm_insight.report import figure, period

WIDTH, HEIGHT = 920.0, 210.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 6.0, 12.0, 26.0
_GAP = 0.18
_LABELS = 9
#: What is less is no gap that one could see.
_LEAST_GAP = 0.01


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, of what it is, and its words."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str


@dataclasses.dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis."""

    at: float
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Plot:
    """Bars over time, stacked."""

    bars: list[Bar]
    #: Behind them, from above: for how much of the time nothing is known.
    gaps: list[Bar]
    across: list[Tick]
    up: list[Tick]
    #: What there is in it, in the order of the stacks.
    kinds: list[str]


#: What is told of a slot: kind -> value.
Stack = Callable[[tenant_report.Slot], dict[str, float]]


def stacked(
    slots: Sequence[tenant_report.Slot],
    zone: datetime.tzinfo,
    stack: Stack,
    words: Callable[[str, float], str],
    most: float | None = None,
) -> Plot:
    """Return stacked bars, one a slot."""
    values = [stack(slot) for slot in slots]
    highest = max((math.fsum(one.values()) for one in values), default=0.0)
    ticks = _ticks(highest) if most is None else [0.0, most / 2, most]
    top = ticks[-1] or 1.0
    kinds = [
        kind
        for kind in (values[0] if values else {})
        if any(one[kind] > 0 for one in values)
    ]
    bars = [
        bar
        for at, (slot, one) in enumerate(zip(slots, values, strict=True))
        for bar in _column(at, len(slots), slot, one, top, zone, words)
    ]
    return Plot(
        bars=bars,
        gaps=[] if most else list(_gaps(slots, zone)),
        across=_dates(slots, zone),
        up=[Tick(_y(value, top), f'{value:g}') for value in ticks],
        kinds=kinds,
    )


def _column(
    at: int,
    count: int,
    slot: tenant_report.Slot,
    values: dict[str, float],
    top: float,
    zone: datetime.tzinfo,
    words: Callable[[str, float], str],
) -> Iterator[Bar]:
    step = _step(count)
    so_far = 0.0
    for kind, value in values.items():
        if value <= 0:
            continue
        low, high = _y(so_far, top), _y(so_far + value, top)
        so_far += value
        yield Bar(
            x=round(LEFT + step * (at + _GAP / 2), 2),
            y=round(high, 2),
            width=round(step * (1 - _GAP), 2),
            height=round(low - high, 2),
            kind=kind,
            title=f'{_label(slot, zone)}: {words(kind, value)}',
        )


def _gaps(
    slots: Sequence[tenant_report.Slot], zone: datetime.tzinfo
) -> Iterator[Bar]:
    """Return what hangs down for so much of the height as of the time was
    not measured: a low bar there is none of health."""
    step = _step(len(slots))
    for at, slot in enumerate(slots):
        part = 1 - slot.measured_s / slot.known_s if slot.known_s else 0.0
        if part > _LEAST_GAP:
            yield Bar(
                x=round(LEFT + step * at, 2),
                y=TOP,
                width=round(step, 2),
                height=round((HEIGHT - TOP - BOTTOM) * part, 2),
                kind='gap',
                title=f'{_label(slot, zone)}: {figure.share(part)} no data',
            )


def _step(count: int) -> float:
    return (WIDTH - LEFT - RIGHT) / max(count, 1)


def _y(value: float, top: float) -> float:
    high = HEIGHT - TOP - BOTTOM
    return round(TOP + high * (1 - min(1.0, value / top)), 2)


def _label(slot: tenant_report.Slot, zone: datetime.tzinfo) -> str:
    if slot.end_us - slot.start_us <= period.DAY_US // 24:
        return figure.time(slot.start_us, zone)
    return figure.day(slot.start_us, zone)


def _dates(
    slots: Sequence[tenant_report.Slot], zone: datetime.tzinfo
) -> list[Tick]:
    """Return names of some days or hours, evenly spread."""
    every = max(1, math.ceil(len(slots) / _LABELS))
    step = _step(len(slots))
    return [
        Tick(round(LEFT + step * (at + 0.5), 2), _short(slots[at], zone))
        for at in range(0, len(slots), every)
    ]


def _short(slot: tenant_report.Slot, zone: datetime.tzinfo) -> str:
    here = period.local(slot.start_us, zone)
    if slot.end_us - slot.start_us <= period.DAY_US // 24:
        return f'{here:%d %b %H:%M}'
    return f'{here.day} {here:%b}'


def _ticks(highest: float) -> list[float]:
    """Return three to six round values, the last one not below."""
    if highest <= 0:
        return [0.0, 1.0]
    raw = highest / 4
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * by for by in (1, 2, 2.5, 5, 10) if size * by >= raw)
    count = math.ceil(highest / step - 1e-9)
    return [round(step * number, 10) for number in range(count + 1)]
