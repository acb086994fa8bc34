# SPDX-License-Identifier: Apache-2.0
"""Detector: one host's samples in, findings out; no clock, no chance.

The same samples make the same findings with the same ids, whether they come
live, from a replay, or after another analyzer took over with its state.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from kvm_insight.detect import (
    account,
    admission,
    evidence,
    incident,
    intake,
    memory,
    opening,
    scene,
    settings,
    track,
    verdict,
    words,
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

    def __init__(self, host: str, rules: settings.Settings) -> None:
        self.host = host
        self._rules = rules
        self._admission = admission.Admission()
        self._known = memory.empty(rules)
        self.account = account.Account()

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
        found += self._follow(new)
        now = self._admission.last
        happened = rates.growth(last, now) if last and now else None
        if happened is None or self._is_gap(happened.interval_us):
            return found
        slot = window.Slot(
            new.uptime_us, new.time_us, happened.interval_us, new.sequence
        )
        did = intake.values(happened, new.ledger)
        rows = intake.rows(happened, new.ledger)
        self._take(slot, did, new.ledger, rows)
        seen = scene.Scene(new, slot, self._known, self._rules)
        found += self._progress(seen, rows)
        for uuid, at in opening.due(seen, self._known, self._rules):
            found += self._begin(uuid, at, seen)
        self.account.take(new, happened, did, rows, self._known.incidents)
        return found

    @property
    def known(self) -> memory.Memory:
        """Return what is known now; to be looked at only."""
        return self._known

    def state(self) -> states.HostState:
        """Return all that another detector needs to go on."""
        hour = self.account.record()
        return memory.stored(self.host, self._admission, self._known, hour)

    def restore(self, kept: states.HostState) -> None:
        """Go on where another detector stood; raise ValueError for a state
        whose parts do not fit together."""
        known = memory.restored(kept, self._rules)
        self.account.restore(kept.hour)
        self._admission = memory.admission_of(kept)
        self._known = known

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
            yield from self._end(None, new, 'gone')
            self._known = memory.empty(self._rules)
        elif silence_us > self._rules.silent_s * 1_000_000:
            yield from self._end(None, last, 'silent')
            for one in self._known.tracks.values():
                one.forget()

    def _follow(self, new: sample.Sample) -> Iterator[finding.Finding]:
        """Learn of domains that came, left or began anew."""
        tracks = self._known.tracks
        here = {domain.uuid: domain for domain in new.domains}
        for uuid, known in list(tracks.items()):
            known.absent = 0 if uuid in here else known.absent + 1
            if known.absent >= self._rules.absent:
                del tracks[uuid]
                yield from self._end(uuid, new, 'gone')
        for uuid, domain in here.items():
            old = tracks.get(uuid)
            if old is not None and old.epoch == domain.epoch:
                old.baseline.vcpus = track.vcpus_of(domain)
                continue
            yield from self._end(uuid, new, 'gone')
            tracks[uuid] = track.of(domain, self._rules)
            who = entity.domain(uuid)
            self._known.series.forget_before(who, new.uptime_us)

    def _end(
        self,
        uuid: str | None,
        at: sample.Sample | reading.Reading,
        reason: Literal['gone', 'silent'],
    ) -> Iterator[finding.Finding]:
        """Close a domain's incidents, or (None) all."""
        slot = window.Slot(at.uptime_us, at.time_us, 0, at.sequence)
        kept = []
        for one in self._known.incidents:
            if uuid is None or one.finding.victim.uuid == uuid:
                yield incident.closed(one, slot, reason)
            else:
                kept.append(one)
        self._known.incidents = kept

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
        frozen = incident.frozen(known.incidents)
        known.learn(slot, did, frozen)

    def _progress(
        self, seen: scene.Scene, rows: Mapping[str, Mapping[str, int]]
    ) -> Iterator[finding.Finding]:
        """Carry the open incidents on: they grow, are told of, or close."""
        kept = []
        for one in self._known.incidents:
            who = one.finding.victim.entity
            now = seen.now(who)
            if now is None:
                kept.append(one)
                continue
            calm = one.calm + 1 if seen.is_calm(one, now) else 0
            one = msgspec.structs.replace(one, calm=calm)
            if not self._is_covered(one):
                one = incident.grown(one, now.delay_us, rows.get(who, {}))
            if calm >= self._rules.calm:
                yield incident.closed(one, seen.slot, 'recovered')
                self._settle(one, self._rules.calm)
                continue
            if self._is_covered(one):
                kept.append(one)
                continue
            after, news = self._update(one, seen)
            yield from news
            kept += after
        self._known.incidents = kept

    def _is_covered(self, one: states.Incident) -> bool:
        """Say whether a sharper incident of the same victim tells it now."""
        return any(
            other.finding.victim.uuid == one.finding.victim.uuid
            and other.scale < one.scale
            for other in self._known.incidents
        )

    def _settle(self, one: states.Incident, kept: int) -> None:
        """Let no window open again on what has just closed.

        Only the slots since it was over still count.
        """
        uuid = one.finding.victim.uuid or ''
        if uuid in self._known.tracks:
            self._known.tracks[uuid].forget()
        who = one.finding.victim.entity
        ends = self._known.series.slots[:, 0]
        if len(ends) > kept:
            self._known.series.forget_before(who, int(ends[-1 - kept]))

    def _update(
        self, one: states.Incident, seen: scene.Scene
    ) -> tuple[list[states.Incident], list[finding.Finding]]:
        """Look again; return what goes on, and what there is to tell."""
        floor = self._rules.scales[one.scale].floor
        uuid = one.finding.victim.uuid or ''
        found = seen.closest(
            uuid, self._rules.scales[one.scale], words.names(one.finding)
        )
        if found is None:
            return [one], []
        scale, picture = found
        changes: dict[str, object] = {}
        changed = False
        age_us = seen.slot.uptime_us - one.opened_uptime_us
        if age_us >= self._rules.freeze_s * 1_000_000:
            changed = one.finding.cause != 'chronic'
            changes['cause'] = 'chronic'
        elif picture.suffering >= floor / 2:
            fresh = verdict.judge(picture.case, self._rules)
            one, sure = incident.confirmed(one, fresh)
            if incident.goes_on(picture, fresh, self._rules):
                sure = False
            if one.calm and not fresh.named:
                # While it dies away, little is left that could tell more.
                sure = False
            if sure and incident.is_another(one.finding, fresh):
                return self._turn(one, found, fresh, seen)
            if sure:
                changed = fresh.key() != incident.key_of(one.finding)
                changes |= incident.said(fresh, one, seen)
                changes['evidence'] = evidence.record(
                    picture, scale, seen.level(uuid), seen.host
                )
        rules = self._rules
        if not incident.due(one, seen.slot, picture.severity, changed, rules):
            return [one], []
        told = incident.updated(one, seen.slot, picture.severity, changes)
        self._unlearn(told)
        return [msgspec.structs.replace(one, finding=told)], [told]

    def _turn(
        self,
        one: states.Incident,
        found: tuple[settings.Scale, evidence.Picture],
        fresh: verdict.Verdict,
        seen: scene.Scene,
    ) -> tuple[list[states.Incident], list[finding.Finding]]:
        """End one story; where somebody else is named, begin theirs."""
        news = [incident.closed(one, seen.slot, 'recovered')]
        if not fresh.named:
            self._settle(one, 2)
            return [], news
        after = incident.begun(
            self.host, one.epoch, one.scale, found, fresh, seen
        )
        self._unlearn(after.finding)
        return [after], [*news, after.finding]

    def _begin(
        self, uuid: str, at: int, seen: scene.Scene
    ) -> Iterator[finding.Finding]:
        found = seen.closest(uuid, self._rules.scales[at])
        if found is None:
            return
        judged = verdict.judge(found[1].case, self._rules)
        for place, one in enumerate(self._known.incidents):
            if (
                one.finding.victim.uuid == uuid
                and incident.key_of(one.finding) == judged.key()
            ):
                # The same story got worse: it closes as the sharper one.
                self._known.incidents[place] = msgspec.structs.replace(
                    one, scale=at
                )
                return
        epoch = self._known.tracks[uuid].epoch
        one = incident.begun(self.host, epoch, at, found, judged, seen)
        self._known.incidents.append(one)
        self._unlearn(one.finding)
        yield one.finding

    def _unlearn(self, found: finding.Finding) -> None:
        """What led to an incident is not what is usual."""
        for who in incident.involved(found):
            uuid = entity.uuid_of(who)
            if uuid in self._known.tracks:
                self._known.tracks[uuid].baseline.forget_recent()
            elif who == entity.HOST:
                self._known.host_baseline.forget_recent()
