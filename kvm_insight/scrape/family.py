# SPDX-License-Identifier: Apache-2.0
"""Family: one metric that is exposed, with its name, labels and meaning."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from prometheus_client import metrics_core

_UNITS = ('seconds', 'bytes', 'ratio', 'cores', 'hertz', 'records', 'samples')


@dataclasses.dataclass(frozen=True, slots=True)
class Family:
    """What is exposed under one name; a counter's ends with ``_total``."""

    name: str
    kind: Literal['counter', 'gauge', 'info']
    words: str
    labels: tuple[str, ...] = ()

    @property
    def exposed(self) -> str:
        """Return the name that a query has."""
        return f'{self.name}_info' if self.kind == 'info' else self.name

    @property
    def unit(self) -> str:
        """Return the unit, which is the last word of the name."""
        last = self.name.removesuffix('_total').rpartition('_')[2]
        return last if last in _UNITS else ''


#: One value: of which family, with which labels' values.
Point = tuple[Family, tuple[str, ...], float]


def counter(name: str, words: str, *labels: str) -> Family:
    """Return a family that only grows."""
    return Family(f'kvm_insight_{name}_total', 'counter', words, labels)


def gauge(name: str, words: str, *labels: str) -> Family:
    """Return a family of now."""
    return Family(f'kvm_insight_{name}', 'gauge', words, labels)


def info(name: str, words: str, *labels: str) -> Family:
    """Return a family that is always 1 and tells by its labels."""
    return Family(f'kvm_insight_{name}', 'info', words, labels)


def known(
    family: Family, value: float | None, *labels: str
) -> Iterator[Point]:
    """Yield the point, unless it was not measured."""
    if value is not None:
        yield family, labels, value


def bounded(
    groups: Iterable[Sequence[Point]], limit: int
) -> tuple[list[Point], int, int]:
    """Return the points of all groups that fit in whole, and how many groups
    and points had to be left out."""
    kept: list[Point] = []
    groups_out = points_out = 0
    for points in groups:
        if len(kept) + len(points) <= limit:
            kept += points
        else:
            groups_out += 1
            points_out += len(points)
    return kept, groups_out, points_out


def metrics(points: Iterable[Point]) -> Iterator[metrics_core.Metric]:
    """Yield them as the library wants them, each family once."""
    found: dict[Family, metrics_core.Metric] = {}
    for family, labels, value in points:
        one = found.get(family)
        if one is None:
            one = found[family] = _metric(family)
        one.add_sample(
            family.exposed,
            dict(zip(family.labels, labels, strict=True)),
            value,
        )
    yield from found.values()


def _metric(family: Family) -> metrics_core.Metric:
    return metrics_core.Metric(
        family.name.removesuffix('_total'),
        family.words,
        family.kind,
        family.unit,
    )
