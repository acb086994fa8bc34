# SPDX-License-Identifier: Apache-2.0
"""Incidents of one shared device: they open, go on, and close."""

import dataclasses
import functools
import hashlib
from collections.abc import Iterator

import msgspec

from kvm_insight.detect import (
    contest,
    device_blame,
    device_book,
    device_look,
    incident,
    settings,
    verdict,
    words,
)
from kvm_insight.model import entity, finding, sample, state, window


# Without slots, for the sake of what is worked out once and kept.
@dataclasses.dataclass(frozen=True)
class Seen:
    """What is seen of the host at the end of a slot."""

    new: sample.Sample
    slot: window.Slot
    #: What used its CPUs lately.
    series: window.Window
    rules: settings.Settings

    @functools.cached_property
    def _domains(self) -> dict[str, sample.Domain]:
        return {one.uuid: one for one in self.new.domains}

    def party(self, who: str) -> finding.Party:
        """Return who an entity is."""
        return words.party_of(who, self._domains)


class Course:
    """The incidents of one resource, in one slot."""

    def __init__(
        self,
        look: device_look.Look,
        seen: Seen,
        incidents: list[state.Incident],
    ) -> None:
        self.open = incidents
        self._look = look
        self._book = look.book
        self._seen = seen

    def progress(self) -> Iterator[finding.Finding]:
        """Carry the open incidents on."""
        incidents, self.open = self.open, []
        for one in incidents:
            column = self._book.column(_key(one))
            if column is None or self._book.absent[column] > 1:
                yield incident.closed(one, self._seen.slot, 'gone')
                continue
            yield from self._carry_on(one, column)

    def _carry_on(
        self, one: state.Incident, column: int
    ) -> Iterator[finding.Finding]:
        now = self._look.now(column)
        if now is not None:
            suffering, charges = now
            calm = one.calm + 1 if self._is_calm(one, column, suffering) else 0
            one = msgspec.structs.replace(one, calm=calm)
            one = incident.grown(one, sum(charges.values()), charges)
        if one.calm >= self._book.rules.calm:
            yield incident.closed(one, self._seen.slot, 'recovered')
            # No window is to open again on what has just closed.
            self._book.settle(column, one.calm)
            return
        yield from self._update(one, column)

    def _is_calm(
        self, one: state.Incident, column: int, suffering: float
    ) -> bool:
        floor = self._book.rules.scales[one.scale].floor
        levels = self._book.levels()
        known = levels.loss_bins[column] >= self._book.rules.history
        usual = float(levels.loss[column]) if known else 0.0
        return suffering < usual + floor / 2

    def _update(
        self, one: state.Incident, column: int
    ) -> Iterator[finding.Finding]:
        """Look again, and tell what there is to tell."""
        rules = self._book.rules
        picture = self._look.closest(
            column, one.scale, words.names(one.finding)
        )
        changes: dict[str, object] = {}
        changed = False
        if picture is not None:
            age_us = self._seen.slot.uptime_us - one.opened_uptime_us
            if age_us >= rules.freeze_s * 1_000_000:
                changed = one.finding.cause != 'chronic'
                changes['cause'] = 'chronic'
            elif not one.calm:
                fresh = self._judged(picture, one)
                one, sure = incident.confirmed(one, fresh)
                if sure and incident.is_another(one.finding, fresh):
                    yield from self._turn(one, column, picture, fresh)
                    return
                if sure:
                    changed = fresh.key() != incident.key_of(one.finding)
                    changes |= self._said(fresh, one, picture)
        severity = picture.severity if picture else 0.0
        slot = self._seen.slot
        if incident.due(one, slot, severity, changed, self._seen.rules):
            told = incident.updated(one, slot, severity, changes)
            one = msgspec.structs.replace(one, finding=told)
            yield told
        self.open.append(one)

    def _turn(
        self,
        one: state.Incident,
        column: int,
        picture: device_look.Picture,
        fresh: verdict.Verdict,
    ) -> Iterator[finding.Finding]:
        """End one story; where somebody else is named, begin theirs."""
        yield incident.closed(one, self._seen.slot, 'recovered')
        if not fresh.named:
            self._book.settle(column, 1)
            return
        after = self._begun(column, one.scale, picture, fresh)
        self.open.append(after)
        yield after.finding

    def begin(self) -> Iterator[finding.Finding]:
        """Open what a window has shown often enough."""
        if self._book.is_calm():
            return
        for at, scale in enumerate(self._book.rules.scales):
            count = self._look.slots(scale.seconds)
            for column in self._book.evaluate(at, count).tolist():
                if not self._book.keys[column][0]:
                    continue
                if self._is_open(column, at):
                    continue
                picture = self._look.closest(column, at, frozenset())
                if picture is not None:
                    yield from self._open(column, at, picture)

    def _open(
        self, column: int, at: int, picture: device_look.Picture
    ) -> Iterator[finding.Finding]:
        judged = self._judged(picture, None)
        for place, one in enumerate(self.open):
            if self._book.column(_key(one)) == column:
                # The same story got worse: it closes as the sharper one.
                self.open[place] = msgspec.structs.replace(one, scale=at)
                return
        one = self._begun(column, at, picture, judged)
        self.open.append(one)
        yield one.finding

    def _is_open(self, column: int, at: int) -> bool:
        return any(
            self._book.column(_key(one)) == column and one.scale <= at
            for one in self.open
        )

    def _judged(
        self, picture: device_look.Picture, one: state.Incident | None
    ) -> verdict.Verdict:
        """Return the verdict, with the host's service by its name."""
        judged = device_blame.judge(picture.case)
        if judged.verdict != 'host_process':
            return judged
        who = entity.HOST
        if one is not None and one.finding.verdict == 'host_process':
            who = next(iter(words.names(one.finding)), who)
        if who == entity.HOST:
            seconds = picture.scale.seconds
            who = device_look.busiest(self._seen.series, seconds)
        named = tuple(
            dataclasses.replace(blame, entity=who) for blame in judged.named
        )
        return dataclasses.replace(judged, named=named)

    def _begun(
        self,
        column: int,
        at: int,
        picture: device_look.Picture,
        judged: verdict.Verdict,
    ) -> state.Incident:
        """Return the incident that begins here, with its first finding."""
        seen, key = self._seen, self._book.keys[column]
        victim = seen.party(device_look.entity_of(key))
        lost_us = sum(picture.charges.values())
        bare = finding.Finding(
            id=self._identifier(key, picture.scale),
            state='open',
            host=seen.new.host,
            resource=self._book.rules.resource,
            victim=victim,
            verdict=judged.verdict,
            confidence=judged.confidence,
            severity_cores=round(picture.severity, 6),
            lost_us=lost_us,
            opened_us=seen.slot.time_us,
            updated_us=seen.slot.time_us,
            evidence=self._look.evidence(picture, seen.new.agent_id),
            summary='',
        )
        one = state.Incident(
            finding=bare,
            epoch=key[1],
            scale=at,
            opened_uptime_us=seen.slot.uptime_us,
            lost_us=lost_us,
            accounts=picture.charges,
            rose=self._look.rose(column, picture.scale.floor / 2),
        )
        changes = self._said(judged, one, picture)
        told = incident.told(one, seen.slot, changes)
        return msgspec.structs.replace(one, finding=told)

    def _identifier(self, key: device_book.Key, scale: settings.Scale) -> str:
        """Return the id: a replay of the same samples makes it again."""
        new = self._seen.new
        resource, window_s = self._book.rules.resource, str(scale.seconds)
        sequence = str(self._seen.slot.sequence)
        parts = (new.host, *key, resource, window_s, new.agent_id, sequence)
        return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:32]

    def _said(
        self,
        judged: verdict.Verdict,
        one: state.Incident,
        picture: device_look.Picture,
    ) -> dict[str, object]:
        """Return a verdict as a finding has it."""

        def accused(blame: contest.Blame) -> finding.Aggressor:
            return finding.Aggressor(
                party=self._seen.party(blame.entity),
                waited_us=one.accounts.get(blame.entity, 0),
                blame=round(blame.blame, 4),
                excess_cores=0.0,
                excess=round(blame.excess, 4),
                unit=self._book.rules.unit,
            )

        agent_id = self._seen.new.agent_id
        return {
            'verdict': judged.verdict,
            'cause': judged.cause,
            'confidence': round(judged.confidence, 4),
            'aggressors': [accused(blame) for blame in judged.named],
            'alternatives': [accused(blame) for blame in judged.others],
            'evidence': self._look.evidence(picture, agent_id),
        }


def _key(one: state.Incident) -> device_book.Key:
    found = one.finding
    return found.victim.uuid or '', one.epoch, found.evidence.device or ''
