# SPDX-License-Identifier: Apache-2.0
"""Scene: the host at one sample, with all that is known of it, to look at."""

import functools
from collections.abc import Iterator

from kvm_insight.detect import (
    activity,
    baseline,
    comparison,
    entitlement,
    evidence,
    glance,
    memory,
    settings,
    suffering,
    track,
    words,
)
from kvm_insight.model import entity, finding, sample, state, window

#: States in which a domain may use a CPU.
_ALIVE = ('running', 'blocked', 'unknown')


class Scene:
    """What the detector looks at; nothing here changes anything."""

    def __init__(
        self,
        new: sample.Sample,
        slot: window.Slot,
        known: memory.Memory,
        rules: settings.Settings,
    ) -> None:
        self.slot = slot
        self._sample = new
        self._known = known
        self._rules = rules
        self._glance = glance.Glance(known, rules)

    @functools.cached_property
    def domains(self) -> dict[str, sample.Domain]:
        """Return the domains that are there now."""
        return {domain.uuid: domain for domain in self._sample.domains}

    @functools.cached_property
    def host(self) -> evidence.Host:
        """Return who is there and what each is entitled to and used to."""
        online = entitlement.cpus_of(self._sample.system.cpus)
        online = online or frozenset({0})
        places = {
            entity.domain(uuid): entitlement.place(domain, online)
            for uuid, domain in self.domains.items()
            if domain.state in _ALIVE
        }
        entitled = entitlement.cores(places)
        entitled[entity.HOST] = self._rules.host_reserve * len(online)
        usual = {
            entity.domain(uuid): one.baseline.level_of_use()
            for uuid, one in self._known.tracks.items()
        }
        usual[entity.HOST] = self._known.host_baseline.level_of_use()
        running = {
            entity.domain(uuid): one.baseline.level_of_run()
            for uuid, one in self._known.tracks.items()
        }
        running[entity.HOST] = self._known.host_baseline.level_of_run()
        return evidence.Host(
            online,
            places,
            entitled,
            usual,
            running,
            self._known.source,
            self._sample.agent_id,
        )

    @functools.cached_property
    def use(self) -> evidence.Use:
        """Return what all did in the last ten minutes."""
        return evidence.use(self._known.series)

    def level(self, uuid: str) -> baseline.Level:
        """Return the suffering that is usual for a domain: none, as long as
        its history is too short to say."""
        level = self._past(uuid)
        return level if level.history else baseline.Level()

    def _past(self, uuid: str) -> baseline.Level:
        """Return the same of a history of any length."""
        one = self._known.tracks.get(uuid)
        return one.baseline.level_of_suffering() if one else baseline.Level()

    def elsewhere(self, uuid: str) -> baseline.Level | None:
        """Return the suffering to hold a domain to that waited as long as it
        is known, if it is known what is usual for its cohort."""
        one = self._known.tracks.get(uuid)
        if one is None or one.cohort is None:
            return None
        return comparison.level(
            one, self.level(uuid), self.slot.time_us, self._rules
        )

    @functools.cached_property
    def _by_cohorts(self) -> evidence.Host:
        """Return the host with all held to their cohorts."""
        tracks = self._known.tracks.values()
        return comparison.host(
            self.host, tracks, self.slot.time_us, self._rules
        )

    def evaluated(
        self, scale: settings.Scale, at: int
    ) -> Iterator[tuple[track.Track, bool]]:
        """Yield the domains that one window can judge, and if it is above.

        Left out is who waits too little to be above, and was not lately
        (``at``): there is nothing to remember of it. That is nearly all of
        them nearly always, so all are looked at together first.
        """
        for one, sums in self._glance.waiting(at):
            yield one, self._is_above(one, scale, *sums)

    def _is_above(
        self,
        one: track.Track,
        scale: settings.Scale,
        run_us: int,
        delay_us: int,
        _: int,
        poll_us: int,
        measured_us: int,
    ) -> bool:
        if delay_us < scale.least_loss * measured_us:
            return False
        wanted_us = suffering.offered(run_us, delay_us, poll_us)
        if not suffering.active(
            wanted_us, measured_us, one.baseline.vcpus, self._rules.activity
        ):
            return False
        share = suffering.share(run_us, delay_us, poll_us)
        above = self.exceeds(share, self.level(one.uuid), scale)
        elsewhere = self.elsewhere(one.uuid)
        if elsewhere is None or self.exceeds(share, elsewhere, scale) == above:
            return above
        if self._is_held_to_cohort(one.uuid):
            return not above
        seen = self.picture(one.uuid, scale)
        return not above if seen and seen.level.cohort else above

    def _open(self, uuid: str) -> Iterator[state.Incident]:
        """Return what is open of a victim."""
        for one in self._known.incidents:
            if one.finding.victim.uuid == uuid:
                yield one

    def _is_held_to_cohort(self, uuid: str) -> bool:
        """Say whether something is open that was told so."""
        return any(comparison.is_told(one.finding) for one in self._open(uuid))

    def exceeds(
        self, share: float, level: baseline.Level, scale: settings.Scale
    ) -> bool:
        """Say whether a share of wait is above what is usual."""
        return share >= baseline.limit(
            level, scale.floor, self._rules.deviations, scale.seconds
        )

    def now(self, who: str) -> window.Values | None:
        """Return what an entity did in the last slot, if it was measured."""
        column = self._known.series.column(who)
        if column is None:
            return None
        values = window.Values(*self._known.series.values[-1, column].tolist())
        if values.run_us < 0 or values.delay_us < 0:
            return None
        return values

    def is_calm(self, one: state.Incident, now: window.Values) -> bool:
        """Say whether one sample is below the lower watermark."""
        uuid = one.finding.victim.uuid or ''
        known = self._known.tracks.get(uuid)
        poll_us = max(0, now.poll_us)
        wanted = suffering.offered(now.run_us, now.delay_us, poll_us)
        if not suffering.active(
            wanted,
            self.slot.interval_us,
            known.baseline.vcpus if known else 1,
            self._rules.activity,
        ):
            return True
        floor = self._rules.scales[one.scale].floor
        share = suffering.share(now.run_us, now.delay_us, poll_us)
        level, host = self.level(uuid), self.host
        if comparison.is_told(one.finding):
            elsewhere = self.elsewhere(uuid)
            if elsewhere is not None:
                level, host = elsewhere, self._by_cohorts
        if share < level.median + floor / 2:
            return True
        named = words.names(one.finding)
        return bool(named) and not any(
            activity.goes_on(
                who, does, self.slot.interval_us, host, self._rules
            )
            for who in named
            if (does := self.now(who)) is not None
        )

    def picture(
        self,
        uuid: str,
        scale: settings.Scale,
        incumbents: frozenset[str] = frozenset(),
    ) -> evidence.Picture | None:
        """Return what a window says about a victim and all around it."""

        def seen(
            host: evidence.Host, level: baseline.Level
        ) -> evidence.Picture | None:
            return evidence.picture(
                self._known.series,
                host,
                entity.domain(uuid),
                scale,
                self._rules,
                level,
                incumbents,
                self.use,
            )

        elsewhere = self.elsewhere(uuid)
        if elsewhere is None or not self._is_held_to_cohort(uuid):
            own = seen(self.host, self._past(uuid))
            if own is None or elsewhere is None or self._rose(uuid, own):
                return own
        return seen(self._by_cohorts, elsewhere)

    def _rose(self, uuid: str, seen: evidence.Picture) -> bool:
        """Say whether it was seen that a victim began to wait."""
        return seen.case.rose or any(one.rose for one in self._open(uuid))

    def closest(
        self,
        uuid: str,
        scale: settings.Scale,
        incumbents: frozenset[str] = frozenset(),
    ) -> tuple[settings.Scale, evidence.Picture] | None:
        """Return the shortest window that shows this much suffering: who is
        the cause now is not to be blurred by what was before."""
        for shorter in self._rules.scales:
            if shorter.seconds > scale.seconds:
                break
            seen = self.picture(
                uuid, settings.Scale(shorter.seconds, scale.floor), incumbents
            )
            if seen is not None and (
                shorter == scale or seen.suffering >= scale.floor
            ):
                return settings.Scale(shorter.seconds, scale.floor), seen
        return None

    def party(self, who: str) -> finding.Party:
        """Return who an entity is."""
        return words.party_of(who, self.domains)
