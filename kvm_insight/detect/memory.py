# SPDX-License-Identifier: Apache-2.0
"""Memory: what a detector knows between two samples, and as a record."""

import dataclasses
from collections.abc import Collection

import numpy

from kvm_insight.detect import (
    admission,
    baseline,
    minutes,
    settings,
    track,
)
from kvm_insight.model import (
    charge,
    entity,
    reading,
    reading_record,
    sample,
    state,
    usage,
    window,
)

_Places = tuple[minutes.Places, minutes.Places]


@dataclasses.dataclass(slots=True)
class Memory:
    """All that is known of one host."""

    #: Of all domains, and of the host.
    minutes: minutes.Minutes
    host_baseline: baseline.Baseline
    series: window.Window = dataclasses.field(default_factory=window.Window)
    #: UUID -> the domain that bears it now.
    tracks: dict[str, track.Track] = dataclasses.field(default_factory=dict)
    incidents: list[state.Incident] = dataclasses.field(default_factory=list)
    #: The ledger's source in the last interval.
    source: str | None = None
    #: What is open of the resources beside the CPUs.
    device_incidents: list[state.Incident] = dataclasses.field(
        default_factory=list
    )
    #: Whose places were asked for last, and those; None: not since somebody
    #: came or left.
    _places: tuple[tuple[str, ...], _Places] | None = None

    def learn(
        self, slot: window.Slot, did: window.Table, frozen: Collection[str]
    ) -> None:
        """Let the baselines of all but the frozen learn of an interval."""
        rows, at = self._places_of(did.entities)
        if frozen:
            kept = [did.entities[o] not in frozen for o in at.tolist()]
            rows, at = rows[kept], at[kept]
        learned = self.minutes.take(slot, rows, did.numbers[at])
        if learned:
            for one in self._baselines().values():
                if one.row in learned:
                    one.learned()

    def _baselines(self) -> dict[str, baseline.Baseline]:
        """Return entity -> baseline."""
        found = {one.entity: one.baseline for one in self.tracks.values()}
        found[entity.HOST] = self.host_baseline
        return found

    def baseline_of(self, who: str) -> baseline.Baseline | None:
        """Return what is usual for a domain or the host."""
        if who == entity.HOST:
            return self.host_baseline
        one = self.tracks.get(entity.uuid_of(who) or '')
        return one.baseline if one else None

    def _places_of(self, entities: tuple[str, ...]) -> _Places:
        """Return those rows of minutes that are of these, and their places
        among them: the same again and again."""
        known = self._places
        if known is None or known[0] != entities:
            learning = self._baselines()
            rows = {
                learning[who].row: at
                for at, who in enumerate(entities)
                if who in learning
            }
            places = numpy.array([*rows.items()], numpy.intp).reshape(-1, 2)
            known = self._places = entities, (places[:, 0], places[:, 1])
        return known[1]

    def follow(self, domain: sample.Domain, rules: settings.Settings) -> None:
        """Follow a domain that is new, or began anew."""
        self.forget(domain.uuid)
        self.tracks[domain.uuid] = track.of(domain, rules, self.minutes)

    def forget(self, uuid: str) -> None:
        """Follow a domain no longer."""
        self._places = None
        old = self.tracks.pop(uuid, None)
        if old is not None:
            self.minutes.drop(old.baseline.row)


def empty(rules: settings.Settings) -> Memory:
    """Return what is known of a host that was never seen."""
    known = minutes.Minutes(rules)
    return Memory(known, baseline.Baseline(rules, known, known.add(1)))


def stored(
    host: str,
    admitted: admission.Admission,
    known: Memory,
    hour: usage.HostUsage | None,
    devices: state.Devices,
) -> state.HostState:
    """Return the record; its offset is the caller's to fill in."""
    last = admitted.last
    return state.HostState(
        host=host,
        last=reading_record.of(last) if last else None,
        retired=admitted.retired,
        counters=admitted.counters,
        ledger_source=known.source,
        window=_window(known.series),
        host_baseline=known.minutes.record(known.host_baseline.row),
        tracks=[
            state.Track(
                uuid=one.uuid,
                epoch=one.epoch,
                flags=list(one.flags),
                absent=one.absent,
                baseline=known.minutes.record(one.baseline.row),
                cohort=one.cohort,
            )
            for one in known.tracks.values()
        ],
        incidents=known.incidents,
        hour=hour,
        devices=devices,
    )


def admission_of(kept: state.HostState) -> admission.Admission:
    """Return the admission as it was."""
    result = admission.Admission()
    result.last = reading.of(kept.last) if kept.last else None
    result.retired = list(kept.retired)
    result.counters = kept.counters
    return result


def restored(kept: state.HostState, rules: settings.Settings) -> Memory:
    """Return the memory as it was."""
    known = minutes.Minutes(rules)
    host_row = known.restore(kept.host_baseline)
    tracks = {}
    for one in kept.tracks:
        calm = track.calm(rules)
        flags = (*one.flags, *calm)[: len(calm)]
        tracks[one.uuid] = track.Track(
            one.uuid,
            one.epoch,
            rules,
            baseline.Baseline(rules, known, known.restore(one.baseline)),
            flags,
            one.absent,
            one.cohort,
        )
    return Memory(
        known,
        baseline.Baseline(rules, known, host_row),
        _window_of(kept.window),
        tracks,
        list(kept.incidents),
        kept.ledger_source,
    )


def _window(series: window.Window) -> state.Window:
    width = len(series.entities)
    return state.Window(
        entities=list(series.entities),
        slots=series.slots.astype('<i8').tobytes(),
        values=series.values[:, :width].astype('<i8').tobytes(),
        since=series.since[:width].astype('<i8').tobytes(),
        charge_counts=[charge.count(slot) for slot in series.charges],
        charges=b''.join(series.charges),
    )


def _window_of(kept: state.Window) -> window.Window:
    return window.rebuilt(
        list(kept.entities),
        numpy.frombuffer(kept.slots, '<i8').astype(numpy.int64),
        numpy.frombuffer(kept.values, '<i8').astype(numpy.int64),
        numpy.frombuffer(kept.since, '<i8').astype(numpy.int64),
        charge.split(kept.charges, kept.charge_counts),
    )
