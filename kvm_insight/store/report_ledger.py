# SPDX-License-Identifier: Apache-2.0
"""How long a project's instances waited for one another, by hours.

Hours have one sum of all neighbours; whose these were is in the ledger of
the host's hour, which is read only where two of the project met.
"""

import array
import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy
import sqlalchemy as sa
from numpy import typing as npt

from kvm_insight.model import entity
from kvm_insight.store import charges, report_query, rollup

_AT_ONCE = 200
_HOUR_BITS = 24
#: Where the place is of an entity that is not of the project.
_FOREIGN = -1
Numbers = npt.NDArray[numpy.int64]
Floats = npt.NDArray[numpy.float64]


@dataclasses.dataclass(slots=True)
class Own:
    """Waits for others of the project, in µs."""

    instance: defaultdict[int, float]
    hour: defaultdict[int, float]
    #: By instance and hour, of those that were asked for.
    both: dict[tuple[int, int], float]


class _Met(NamedTuple):
    """A host's hour and part, and the instances that waited there."""

    host: int
    place: tuple[int, int]
    instances: Numbers
    neighbours_us: Numbers
    factors: Floats


class Waits:
    """Hours of instances that waited for neighbours, as they are read."""

    def __init__(self) -> None:
        """Begin with none."""
        self._hours = array.array('q')
        self._parts = array.array('q')
        self._instances = array.array('q')
        self._waited = array.array('q')
        self._factors = array.array('d')

    def add(
        self,
        place: tuple[int, int, int],
        instance: int,
        neighbours_us: int,
        factor: float,
    ) -> None:
        """Remember what a row says; its place is host, hour and part."""
        host, hour, part = place
        self._hours.append(host << _HOUR_BITS | hour)
        self._parts.append(part)
        self._instances.append(instance)
        self._waited.append(neighbours_us)
        self._factors.append(factor)

    def met(self) -> Iterator[_Met]:
        """Return places where two waited, in order of hosts and hours."""
        hours = numpy.frombuffer(self._hours, numpy.int64)
        parts = numpy.frombuffer(self._parts, numpy.int64)
        order = numpy.lexsort((parts, hours))
        hours, parts = hours[order], parts[order]
        instances = numpy.frombuffer(self._instances, numpy.int64)[order]
        waited = numpy.frombuffer(self._waited, numpy.int64)[order]
        factors = numpy.frombuffer(self._factors)[order]
        new = numpy.diff(hours, prepend=-1, append=-1) != 0
        new |= numpy.diff(parts, prepend=-1, append=-1) != 0
        edges = numpy.flatnonzero(new).tolist()
        for begin, end in itertools.pairwise(edges):
            if end - begin > 1:
                at = slice(begin, end)
                host, hour = divmod(int(hours[begin]), 1 << _HOUR_BITS)
                yield _Met(
                    host,
                    (hour, int(parts[begin])),
                    instances[at],
                    waited[at],
                    factors[at],
                )


def read(
    connection: sa.Connection,
    span: report_query.Span,
    waits: Waits,
    uuids: Mapping[int, str],
    asked: Iterable[tuple[int, int]],
) -> Own:
    """Return what the ledgers of these hours say; beside all sums what is
    asked for, by instance and hour."""
    own = Own(
        defaultdict(float), defaultdict(float), dict.fromkeys(asked, 0.0)
    )
    keys = {entity.domain(uuid): key for key, uuid in uuids.items()}
    by_host = itertools.groupby(waits.met(), key=lambda met: met.host)
    for host, there in by_host:
        told = {met.place: met for met in there}
        for hour, part, packed in _ledgers(connection, span, host):
            met = told.get((hour, part))
            if met is not None:
                _charge(own, met, _waited(packed, keys, met.instances))
    return own


def _charge(own: Own, met: _Met, waited: Numbers) -> None:
    hour, _ = met.place
    told = numpy.minimum(waited, met.neighbours_us) * met.factors
    own.hour[hour] += float(told.sum())
    pairs = zip(met.instances.tolist(), told.tolist(), strict=True)
    for instance, us in pairs:
        own.instance[instance] += us
        if (instance, hour) in own.both:
            own.both[instance, hour] += us


def _ledgers(
    connection: sa.Connection, span: report_query.Span, host: int
) -> Iterator[tuple[int, int, bytes]]:
    """Return a host's hours, parts and ledgers."""
    c = rollup.HOST_HOUR.c
    asked = (
        sa.select(c.hour, c.part, c.charges)
        .where(
            c.host_id == host,
            c.hour >= span.first,
            c.hour < span.end,
            c.charges.is_not(None),
        )
        .execution_options(yield_per=_AT_ONCE, stream_results=True)
    )
    with connection.execute(asked) as found:
        for row in found:
            yield row.hour, row.part, row.charges


def _waited(
    packed: bytes, keys: Mapping[str, int], instances: Numbers
) -> Numbers:
    """Return how long each waited for others of the project."""
    entities, flat = charges.flat(packed)
    rows = numpy.frombuffer(array.array('q', flat), numpy.int64)
    victim, runner, us = rows.reshape(-1, 3).T
    # Also who did not wait may have run: those are one more, behind.
    whole = len(instances)
    found = {key: at for at, key in enumerate(instances.tolist())}
    at = numpy.array(
        [
            found.get(keys[name], whole) if name in keys else _FOREIGN
            for name in entities
        ],
        numpy.int64,
    )
    victims, runners = at[victim], at[runner]
    among = (victims >= 0) & (runners >= 0) & (victim != runner)
    waited = numpy.bincount(victims[among], us[among], whole + 1)
    return waited[:whole].astype(numpy.int64)
