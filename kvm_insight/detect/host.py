# SPDX-License-Identifier: Apache-2.0
"""Detector: one host's samples in, findings out; no clock, no chance.

The same samples make the same findings with the same ids, whether they come
live, from a replay, or after another analyzer took over with its state.
"""

from collections.abc import Iterator, Mapping

from kvm_insight.detect import (
    account,
    admission,
    cohorts,
    course,
    device_record,
    device_watch,
    intake,
    keeping,
    memory,
    opening,
    scene,
    settings,
    track,
)
from kvm_insight.model import (
    entity,
    finding,
    rates,
    reading,
    sample,
    window,
)
from kvm_insight.model import state as states


class Detector:
    """Follows one host."""

    def __init__(
        self,
        host: str,
        rules: settings.Settings,
        usual: cohorts.Cohorts | None = None,
    ) -> None:
        """``usual``: what others like its domains do; it may grow."""
        self.host = host
        self._rules = rules
        self._usual = usual or cohorts.Cohorts()
        self._admission = admission.Admission()
        self._know(memory.empty(rules))
        self.account = account.Account()

    def _know(self, known: memory.Memory) -> None:
        self._known = known
        self._course = course.Course(self.host, known, self._rules)
        self._devices = device_watch.Watch(known, self._rules)

    @property
    def counters(self) -> states.Counters:
        """Return what came in so far."""
        return self._admission.counters

    def consume(self, new: sample.Sample) -> list[finding.Finding]:
        """Take the next sample; return what there is to tell."""
        last = self._admission.last
        if new.host != self.host or not self._admission.admit(new):
            return []
        self.account.saw(last, new)
        found = list(self._connect(last, new))
        now = self._admission.last
        if not self._are_the_same(last, now):
            found += self._follow(new)
        if cohorts.due(last.time_us if last else None, new.time_us):
            self._compare(new)
        happened = rates.growth(last, now) if last and now else None
        if now is not None:
            found += self._devices.consume(now, new)
        if happened is None or self._is_gap(happened.interval_us):
            return found
        slot = window.Slot(
            new.uptime_us, new.time_us, happened.interval_us, new.sequence
        )
        did = intake.values(happened, new.ledger)
        rows = intake.rows(happened, new.ledger)
        self._take(slot, did, new.ledger, rows)
        seen = scene.Scene(new, slot, self._known, self._rules)
        found += self._course.progress(seen, rows)
        for uuid, at in opening.due(seen, self._known, self._rules):
            found += self._course.begin(uuid, at, seen)
        self.account.take(new, happened, did, rows, self._known.incidents)
        return found

    @property
    def known(self) -> memory.Memory:
        """Return what is known now; to be looked at only."""
        return self._known

    def state(self) -> states.HostState:
        """Return all that another detector needs to go on."""
        hour = self.account.record()
        devices = device_record.of(self._devices)
        return memory.stored(
            self.host, self._admission, self._known, hour, devices
        )

    def restore(self, kept: states.HostState) -> None:
        """Go on where another detector stood; raise ValueError for a state
        whose parts do not fit together."""
        known = memory.restored(kept, self._rules)
        self.account.restore(kept.hour)
        self._admission = memory.admission_of(kept)
        self._know(known)
        if kept.devices is not None:
            device_record.restore(self._devices, kept.devices)

    def _is_gap(self, interval_us: int) -> bool:
        return interval_us > self._rules.longest_interval_s * 1_000_000

    def _connect(
        self, last: reading.Reading | None, new: sample.Sample
    ) -> Iterator[finding.Finding]:
        """Close what a reboot or a long silence ended."""
        if last is None:
            return
        silence_us = new.uptime_us - last.uptime_us
        if last.boot_id != new.boot_id:
            yield from self._course.end(None, new, 'gone')
            yield from self._devices.end(new, 'gone')
            self._know(memory.empty(self._rules))
        elif silence_us > self._rules.silent_s * 1_000_000:
            yield from self._course.end(None, last, 'silent')
            yield from self._devices.end(last, 'silent')
            for one in self._known.tracks.values():
                one.forget()

    def _are_the_same(
        self, last: reading.Reading | None, now: reading.Reading | None
    ) -> bool:
        """Say whether all domains are still there, and no others."""
        tracks = self._known.tracks
        if last is None or now is None or last.layout is not now.layout:
            return False
        absent = any(one.absent for one in tracks.values())
        return not absent and len(tracks) == len(now.layout.uuids)

    def _follow(self, new: sample.Sample) -> Iterator[finding.Finding]:
        """Learn of domains that came, left or began anew."""
        tracks = self._known.tracks
        here = {domain.uuid: domain for domain in new.domains}
        for uuid, known in list(tracks.items()):
            known.absent = 0 if uuid in here else known.absent + 1
            if known.absent >= self._rules.absent:
                self._known.forget(uuid)
                yield from self._course.end(uuid, new, 'gone')
        for uuid, domain in here.items():
            old = tracks.get(uuid)
            if old is not None and old.epoch == domain.epoch:
                row, vcpus = old.baseline.row, track.vcpus_of(domain)
                self._known.minutes.resize(row, vcpus)
                continue
            yield from self._course.end(uuid, new, 'gone')
            self._known.follow(domain, self._rules)
            who = entity.domain(uuid)
            self._known.series.forget_before(who, new.uptime_us)

    def _compare(self, new: sample.Sample) -> None:
        """Take up what is usual for the domains' cohorts by now."""
        for domain in new.domains:
            one = self._known.tracks.get(domain.uuid)
            usual = self._usual.usual(domain, new.time_us)
            if one is not None and usual is not None:
                one.cohort = usual

    def _take(
        self,
        slot: window.Slot,
        did: window.Table,
        ledger: sample.Ledger | None,
        rows: Mapping[str, Mapping[str, int]],
    ) -> None:
        """Put an interval into the window and into the baselines."""
        known = self._known
        known.source = ledger.source if ledger else None
        known.series.push(slot, did, rows)
        known.learn(
            slot, did, keeping.frozen(slot.uptime_us, known, self._rules)
        )
