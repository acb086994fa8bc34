# SPDX-License-Identifier: Apache-2.0
"""Scene: the host at one sample, with all that is known of it, to look at."""

import functools
from collections.abc import Iterator

import numpy

from kvm_insight.detect import (
    baseline,
    entitlement,
    evidence,
    memory,
    settings,
    suffering,
    track,
    words,
)
from kvm_insight.model import entity, finding, sample, state, window

#: States in which a domain may use a CPU.
_ALIVE = ('running', 'blocked', 'unknown')
#: A first look must not lose whom an exact one would find.
_NEARLY = 0.99


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
        one = self._known.tracks.get(uuid)
        level = one.baseline.level_of_suffering() if one else None
        return level if level and level.history else baseline.Level()

    @functools.cached_property
    def _followed(self) -> tuple[list[track.Track], window.Numbers]:
        """Return the domains that may be judged, and their columns."""
        column = self._known.series.column
        here = [
            (one, at)
            for one in self._known.tracks.values()
            if not one.absent and (at := column(one.entity)) is not None
        ]
        columns = numpy.array([at for _, at in here], numpy.int64)
        return [one for one, _ in here], columns

    def evaluated(
        self, scale: settings.Scale, at: int
    ) -> Iterator[tuple[track.Track, bool]]:
        """Yield the domains that one window can judge, and if it is above.

        Left out is who waits too little to be above, and was not lately
        (``at``): there is nothing to remember of it. That is nearly all of
        them nearly always, so all are looked at together first.
        """
        tracks, columns = self._followed
        sums = self._known.series.sums(scale.seconds)
        run_us, delay_us = sums.run_us[columns], sums.delay_us[columns]
        poll_us, measured_us = sums.poll_us[columns], sums.measured_us[columns]
        covered = measured_us >= self._rules.coverage * scale.seconds * 1e6
        wanted_us = run_us - poll_us + delay_us
        waits = delay_us >= _NEARLY * scale.floor * wanted_us
        recent = numpy.array([one.flags[at] for one in tracks], bool)
        for place in numpy.flatnonzero(covered & (waits | recent)).tolist():
            numbers = (run_us, delay_us, poll_us, measured_us)
            values = (int(part[place]) for part in numbers)
            yield tracks[place], self._is_above(tracks[place], scale, *values)

    def _is_above(
        self,
        one: track.Track,
        scale: settings.Scale,
        run_us: int,
        delay_us: int,
        poll_us: int,
        measured_us: int,
    ) -> bool:
        if scale.seconds <= self._rules.scales[0].seconds and (
            delay_us < self._rules.least_loss * measured_us
        ):
            return False
        wanted_us = suffering.offered(run_us, delay_us, poll_us)
        return suffering.active(
            wanted_us, measured_us, one.baseline.vcpus, self._rules.activity
        ) and suffering.share(run_us, delay_us, poll_us) >= baseline.limit(
            self.level(one.uuid), scale.floor, self._rules.deviations
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
        if share < self.level(uuid).median + floor / 2:
            return True
        named = words.names(one.finding)
        return bool(named) and not any(map(self._is_at_it, named))

    def _is_at_it(self, who: str) -> bool:
        """Say whether one who is named still uses more than is its own."""
        now = self.now(who)
        running = self.host.running.get(who)
        if (
            now is not None
            and running is not None
            and running.minutes >= self._rules.run_minutes
        ):
            ran_us = max(0, now.run_us - max(0, now.poll_us))
            rise = ran_us / self.slot.interval_us - running.median
            return rise > self._rules.least_excess
        if who == entity.HOST or entity.uuid_of(who) is not None:
            allowed = self.host.entitled.get(who, 0.0)
            usual = self.host.usual.get(who)
            if usual is not None and usual.known:
                allowed = max(allowed, usual.median)
        else:
            allowed = self._rules.host_reserve
        if now is None:
            return False
        wanted_us = suffering.offered(
            now.run_us, now.delay_us, max(0, now.poll_us)
        )
        cores = (wanted_us - max(0, now.throttled_us)) / self.slot.interval_us
        return (
            cores > allowed + self._rules.least_excess
            or cores >= self._rules.full_speed
        )

    def picture(
        self,
        uuid: str,
        scale: settings.Scale,
        incumbents: frozenset[str] = frozenset(),
    ) -> evidence.Picture | None:
        """Return what a window says about a victim and all around it."""
        known = self._known.tracks.get(uuid)
        level = known.baseline.level_of_suffering() if known else None
        return evidence.picture(
            self._known.series,
            self.host,
            entity.domain(uuid),
            scale,
            self._rules,
            level or baseline.Level(),
            incumbents,
            self.use,
        )

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
