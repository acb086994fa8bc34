# SPDX-License-Identifier: Apache-2.0
"""Who is blamed the plain ways, from the same samples: to compare with.

Minute by minute; a victim is one that lost more than a fixed part in three of
five minutes. Then the largest consumer of the last five minutes is named, or
all whose use correlates with the loss (Pearson, 40 minutes, from 0.35), or
the first by the formula of CPI^2 (10 minutes, from 0.35), which has its
threshold at mean and two deviations of the loss in the half hour before.
"""

import collections
import dataclasses
from collections.abc import Callable, Iterable, Mapping

import numpy
from numpy import typing as npt

from benchmarks import scoring
from kvm_insight.model import device, entity, rates, sample
from kvm_insight.simulate import label

Floats = npt.NDArray[numpy.float64]

_MINUTE_US = 55_000_000
_MINUTES = 40
#: Part of its time (of its packets) from which one is a victim.
_FLOOR = {'cpu': 0.10, 'disk': 0.47, 'memory': 0.05, 'network': 0.05}
_LEAST = 0.35


@dataclasses.dataclass(frozen=True, slots=True)
class _Minute:
    """By UUID, what each took longer than it should (1: not at all), and
    what it used."""

    longer: Mapping[str, float]
    used: Mapping[str, float]


def said(
    samples: Iterable[sample.Sample], resource: label.Resource
) -> dict[str, list[scoring.Statement]]:
    """Return what each plain way says."""
    watch = _Watch(resource)
    for one in samples:
        watch.take(one)
    return {name: watch.told(name) for name in RULES}


class _Watch:
    def __init__(self, resource: label.Resource) -> None:
        self._resource = resource
        self._last: sample.Sample | None = None
        self._usual: dict[str, list[float]] = {}
        self._minutes: collections.deque[_Minute] = collections.deque(
            maxlen=_MINUTES
        )
        #: (rule, victim) -> who is named, and since when.
        self._open: dict[tuple[str, str], tuple[frozenset[str], int]] = {}
        self._told: dict[str, list[scoring.Statement]] = {}
        self._now_us = 0

    def take(self, new: sample.Sample) -> None:
        """Look at one sample; nothing is done within a minute."""
        last = self._last
        if last is not None and new.uptime_us - last.uptime_us < _MINUTE_US:
            return
        self._last = new
        happened = rates.between(last, new) if last else None
        if happened is None:
            return
        self._now_us = new.time_us
        longer = {}
        used = {}
        for uuid, one in happened.domains.items():
            both = self._read(one, new)
            if both is not None:
                longer[uuid], used[uuid] = both
        self._minutes.append(_Minute(longer, used))
        self._judge()

    def _read(
        self, one: rates.Domain, new: sample.Sample
    ) -> tuple[float, float] | None:
        if self._resource == 'cpu':
            return _of_cpu(one)
        if self._resource == 'memory':
            return self._of_memory(one.uuid, new)
        if self._resource == 'network':
            return _of_network(one.interfaces)
        return self._of_disk(one)

    def _of_disk(self, one: rates.Domain) -> tuple[float, float] | None:
        requests = _total(one.disks, 'read_requests', 'write_requests')
        took_us = _total(one.disks, 'read_us', 'write_us')
        if not requests:
            return None
        usual = self._usual.setdefault(one.uuid, [])
        usual.append(took_us / requests)
        return max(1.0, usual[-1] / float(numpy.median(usual))), requests

    def _of_memory(
        self, uuid: str, new: sample.Sample
    ) -> tuple[float, float] | None:
        domain = next(one for one in new.domains if one.uuid == uuid)
        if domain.pressure is None or domain.memory is None:
            return None
        stalled_us = float(domain.pressure.memory_some_us or 0)
        totals = self._usual.setdefault(uuid, [])
        totals.append(stalled_us)
        grown_us = totals[-1] - totals[-2] if len(totals) > 1 else 0.0
        part = min(0.99, max(0.0, grown_us / _MINUTE_US))
        return 1 / (1 - part), float(domain.memory.rss_bytes or 0)

    def _judge(self) -> None:
        recent = list(self._minutes)[-5:]
        floor = 1 / (1 - _FLOOR[self._resource])
        late: list[str] = []
        for victim in recent[-1].longer:
            above = [one.longer.get(victim, 1.0) > floor for one in recent]
            if above[-1] and sum(above) >= 3:
                late.append(victim)
            else:
                for name in RULES:
                    self._say(name, victim, frozenset())
        if not late:
            return
        names = sorted({uuid for one in self._minutes for uuid in one.used})
        longer = _table([one.longer for one in self._minutes], names)
        used = numpy.nan_to_num(
            _table([one.used for one in self._minutes], names)
        )
        for victim in late:
            column = names.index(victim)
            known = ~numpy.isnan(longer[:, column])
            for name, rule in RULES.items():
                theirs = used[known].copy()
                theirs[:, column] = 0.0
                chosen = rule(longer[known, column], theirs)
                named = frozenset(names[at] for at in chosen)
                self._say(name, victim, named - {victim})

    def _say(self, rule: str, victim: str, named: frozenset[str]) -> None:
        before, since_us = self._open.get((rule, victim), (frozenset(), 0))
        if named == before:
            return
        if before:
            self._told.setdefault(rule, []).append(
                self._statement(victim, before, since_us)
            )
        self._open[rule, victim] = named, self._now_us

    def _statement(
        self, victim: str, named: frozenset[str], since_us: int
    ) -> scoring.Statement:
        return scoring.Statement(
            victim,
            self._resource,
            'antagonist',
            None,
            frozenset(entity.domain(uuid) for uuid in named),
            0.5,
            'plain',
            None,
            since_us - 3 * 60 * scoring.MICRO,
            since_us,
            self._now_us,
        )

    def told(self, rule: str) -> list[scoring.Statement]:
        """Return all that one rule said, what still stands among it."""
        for (name, victim), (named, since_us) in self._open.items():
            if name == rule and named:
                self._told.setdefault(rule, []).append(
                    self._statement(victim, named, since_us)
                )
        found = self._told.pop(rule, [])
        return sorted(found, key=lambda one: (one.told_us, one.victim))


def _of_cpu(one: rates.Domain) -> tuple[float, float] | None:
    if not one.run_us or one.run_delay_us is None:
        return None
    return (one.run_us + one.run_delay_us) / one.run_us, one.run_us


def _of_network(
    interfaces: Iterable[device.Interface],
) -> tuple[float, float] | None:
    passed = _total(interfaces, 'rx_packets', 'tx_packets')
    dropped = _total(interfaces, 'rx_drops', 'tx_drops')
    if not passed:
        return None
    return (passed + dropped) / passed, passed


def _total(parts: Iterable[object], *names: str) -> float:
    return float(
        sum(getattr(one, name) or 0 for one in parts for name in names)
    )


def _table(minutes: list[Mapping[str, float]], names: list[str]) -> Floats:
    """Return minute x name; NaN where it was not there."""
    rows = [[one.get(name, numpy.nan) for name in names] for one in minutes]
    return numpy.array(rows).reshape(len(minutes), len(names))


def _top(longer: Floats, used: Floats) -> list[int]:
    total = used[-5:].sum(axis=0)
    return [int(total.argmax())] if total.any() else []


def _pearson(longer: Floats, used: Floats) -> list[int]:
    if len(longer) < 5 or longer.std() == 0:
        return []
    deviation = used.std(axis=0)
    varies = deviation > 0
    score = ((longer - longer.mean())[:, None] * used).mean(axis=0)
    score = score / numpy.where(varies, deviation, 1.0) / longer.std()
    return numpy.flatnonzero(varies & (score >= _LEAST)).tolist()


def _cpi(longer: Floats, used: Floats) -> list[int]:
    # What is usual is told by the time before; else an incident hides itself.
    before = longer[:-10] if len(longer) >= 20 else longer
    limit = float(before.mean() + 2 * before.std())
    late, theirs = longer[-10:], used[-10:]
    total = theirs.sum(axis=0)
    parts = theirs / numpy.where(total > 0, total, 1.0)
    weight = numpy.where(late > limit, 1 - limit / late, late / limit - 1)
    score = weight @ parts
    best = int(score.argmax())
    return [best] if score[best] >= _LEAST else []


#: How much longer the victim took and what each used, minute by minute, to
#: the columns of those who are named.
Rule = Callable[[Floats, Floats], list[int]]
RULES: dict[str, Rule] = {
    'top_consumer': _top,
    'pearson': _pearson,
    'cpi2': _cpi,
}
