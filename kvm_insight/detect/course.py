# SPDX-License-Identifier: Apache-2.0
"""Course: the incidents of one host, from sample to sample."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from kvm_insight.detect import (
    evidence,
    incident,
    keeping,
    memory,
    record,
    scene,
    settings,
    verdict,
    words,
)
from kvm_insight.model import finding, reading, sample, window
from kvm_insight.model import state as states

#: Verdicts that hold nobody and nothing to be the cause.
_NO_CAUSE = ('overcommit', 'unknown')


class Course:
    """Opens incidents, carries them on, and ends them."""

    def __init__(
        self, host: str, known: memory.Memory, rules: settings.Settings
    ) -> None:
        """Work on what is known of the host."""
        self._host = host
        self._known = known
        self._rules = rules

    def end(
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

    def progress(
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
        if self._is_usual(one, picture, seen):
            self._settle(one, self._rules.calm)
            return [], [incident.closed(one, seen.slot, 'usual')]
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
                changes['evidence'] = record.of(picture, scale, seen.host)
        rules = self._rules
        if not incident.due(one, seen.slot, picture.severity, changed, rules):
            return [one], []
        told = incident.updated(one, seen.slot, picture.severity, changes)
        one = msgspec.structs.replace(one, finding=told)
        self._unlearn(one, seen)
        return [one], [told]

    def _is_usual(
        self,
        one: states.Incident,
        picture: evidence.Picture,
        seen: scene.Scene,
    ) -> bool:
        """Say whether what was told without a history is, now that there is
        one, what was always so."""
        if one.finding.evidence.baseline_source != 'entitlement':
            return False
        scale = self._rules.scales[one.scale]
        level = picture.level
        return level.history and not seen.exceeds(
            picture.suffering, level, scale
        )

    def _turn(
        self,
        one: states.Incident,
        found: tuple[settings.Scale, evidence.Picture],
        fresh: verdict.Verdict,
        seen: scene.Scene,
    ) -> tuple[list[states.Incident], list[finding.Finding]]:
        """End one story; where somebody is named, begin theirs.

        Where it was known what the cause was, that is still in the windows:
        who is next must show in what comes after it.
        """
        before = one.finding
        news = [incident.closed(one, seen.slot, 'recovered')]
        if not fresh.named or (
            before.evidence.baseline_source == 'history'
            and before.verdict not in _NO_CAUSE
        ):
            self._settle(one, 2)
            return [], news
        after = incident.begun(
            self._host, one.epoch, one.scale, found, fresh, seen
        )
        self._unlearn(after, seen)
        return [after], [*news, after.finding]

    def begin(
        self, uuid: str, at: int, seen: scene.Scene
    ) -> Iterator[finding.Finding]:
        """Open what one window showed of a victim, if it is not told yet."""
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
        one = incident.begun(self._host, epoch, at, found, judged, seen)
        self._known.incidents.append(one)
        self._unlearn(one, seen)
        yield one.finding

    def _unlearn(self, one: states.Incident, seen: scene.Scene) -> None:
        """What led to an incident is not what is usual."""
        for who in keeping.kept(
            one, seen.slot.uptime_us, self._known, self._rules
        ):
            base = self._known.baseline_of(who)
            if base is not None:
                base.forget_recent()
