# SPDX-License-Identifier: Apache-2.0
"""Truth in numbers to labels: windows, verdicts, episodes."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy
from numpy import typing as npt

from kvm_insight.model import entity, finding
from kvm_insight.simulate import (
    game,
    label,
    plan,
    readings,
    stage,
    truth,
)

Floats = npt.NDArray[numpy.float64]

MICRO = readings.MICRO
_WINDOW_S = game.WINDOW_S
#: Own part of what all are to blame for, from which it is one's own doing.
_OWN = 0.5
#: Part of the loss that the quota made, from which it is the quota.
_QUOTA = 0.5


def labels(
    scene: stage.Scene,
    found: Mapping[label.Resource, truth.Truth],
    quota: Floats,
) -> label.Labels:
    """Return the labels of one host.

    ``quota``: the part of what each entity lost in each window that its own
    quota took.
    """
    writer = _Writer(scene, quota)
    tracks: list[label.Track] = []
    episodes: list[label.Episode] = []
    for resource, one in found.items():
        for uuid, rows in _lives(scene.host).items():
            windows = list(writer.windows(resource, one, rows))
            if windows:
                tracks.append(
                    label.Track(
                        victim=uuid, resource=resource, windows=windows
                    )
                )
                episodes += writer.episodes(uuid, resource, one, rows, windows)
    return label.Labels(
        host=scene.host.name,
        kind=scene.kind,
        seed=scene.seed,
        family=scene.family,
        start_us=writer.time_us(0),
        end_us=writer.time_us(scene.wants.seconds),
        window_us=_WINDOW_S * MICRO,
        warm_us=writer.time_us(scene.warm_s),
        tracks=tracks,
        episodes=sorted(episodes, key=lambda e: (e.start_us, e.victim)),
    )


def _lives(host: plan.Host) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for row, guest in enumerate(host.guests):
        found.setdefault(guest.uuid, []).append(row)
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class _Writer:
    scene: stage.Scene
    quota: Floats

    def time_us(self, second: float) -> int:
        """Return a time as the host's own clock says it."""
        agent = self.scene.agent
        return agent.begin_us + agent.skew_us + round(second * MICRO)

    def windows(
        self, resource: label.Resource, one: truth.Truth, rows: list[int]
    ) -> Iterator[label.Window]:
        """Return the windows in which one suffers, or may."""
        mine = [judged for judged in one.judged if judged.victim in rows]
        for judged in sorted(mine, key=lambda j: j.window):
            causes = self._causes(judged, rows)
            verdict, cause = self._verdict(resource, judged, causes)
            begin_s = judged.window * _WINDOW_S
            end_s = min(begin_s + _WINDOW_S, self.scene.wants.seconds)
            yield label.Window(
                start_us=self.time_us(begin_s),
                end_us=self.time_us(end_s),
                suffering=min(1.0, round(judged.suffering, 4)),
                usual=min(1.0, round(judged.usual, 4)),
                is_victim=judged.is_victim,
                verdict=verdict,
                cause=cause,
                causes=causes,
            )

    def _causes(
        self, judged: truth.Judged, rows: list[int]
    ) -> list[label.Cause]:
        known = readings.names(self.scene.host)
        return [
            label.Cause(
                entity=known[blame.who],
                spared=round(blame.spared, 3),
                share=round(blame.share, 3),
                guilty=False if blame.who in rows else blame.guilty,
            )
            for blame in judged.blames
        ]

    def _verdict(
        self,
        resource: label.Resource,
        judged: truth.Judged,
        causes: Sequence[label.Cause],
    ) -> tuple[finding.Verdict | None, str | None]:
        if not judged.is_victim:
            return None, None
        row, window = judged.victim, judged.window
        if resource == 'cpu' and self.quota[row, window] >= _QUOTA:
            return 'self_inflicted', 'quota'
        mine = readings.names(self.scene.host)[row]
        own = max((c.share for c in causes if c.entity == mine), default=0.0)
        guilty = [c for c in causes if c.guilty]
        limited = self._is_limited(resource, row)
        if own >= _OWN and limited:
            return 'self_inflicted', 'limit'
        if own >= _OWN or (guilty and own > guilty[0].share):
            return 'self_inflicted', 'burst'
        if guilty:
            is_host = entity.is_host(guilty[0].entity)
            return ('host_process' if is_host else 'antagonist'), None
        if any(cause.guilty is None for cause in causes):
            return None, None
        return 'overcommit', None

    def _is_limited(self, resource: label.Resource, row: int) -> bool:
        guest = self.scene.host.guests[row]
        return resource == 'disk' and guest.disk_requests_s is not None

    def episodes(
        self,
        uuid: str,
        resource: label.Resource,
        one: truth.Truth,
        rows: list[int],
        windows: Sequence[label.Window],
    ) -> Iterator[label.Episode]:
        """Return runs of windows in which one surely suffers."""
        by_bin = one.by_bin[rows].max(axis=0)
        for run in _runs(windows):
            usual = min(window.usual for window in run)
            suffers = by_bin >= max(0.05, usual + 0.03)
            start_us, end_us = self._extent(suffers, run)
            verdict, cause = _most(run)
            guilty = _guilty(run, start_us, end_us)
            open_ = {
                c.entity for w in run for c in w.causes if c.guilty is None
            }
            yield label.Episode(
                victim=uuid,
                resource=resource,
                start_us=start_us,
                end_us=end_us,
                verdict=verdict,
                cause=cause,
                guilty=guilty,
                tolerated=sorted(open_ - guilty.keys()),
            )

    def _extent(
        self, suffers: npt.NDArray[numpy.bool_], run: Sequence[label.Window]
    ) -> tuple[int, int]:
        """Return when the suffering itself began and ended."""
        origin_us = self.time_us(0)
        bin_us = game.BIN_S * MICRO
        first = (run[0].start_us - origin_us) // bin_us
        last = -(-(run[-1].end_us - origin_us) // bin_us)
        bins = numpy.flatnonzero(suffers[first:last])
        if not len(bins):
            return run[0].start_us, run[-1].end_us
        begin = origin_us + (first + int(bins[0])) * bin_us
        end = origin_us + (first + int(bins[-1]) + 1) * bin_us
        return begin, min(end, run[-1].end_us)


def _runs(windows: Sequence[label.Window]) -> list[list[label.Window]]:
    """Return windows that follow one another, all of one who suffers."""
    found: list[list[label.Window]] = []
    for one in windows:
        if not one.is_victim:
            continue
        if found and found[-1][-1].end_us == one.start_us:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _most(
    run: Sequence[label.Window],
) -> tuple[finding.Verdict | None, str | None]:
    count: dict[tuple[finding.Verdict | None, str | None], int] = {}
    for one in run:
        if one.verdict is not None:
            key = one.verdict, one.cause
            count[key] = count.get(key, 0) + 1
    return max(count, key=lambda key: count[key], default=(None, None))


def _guilty(
    run: Sequence[label.Window], start_us: int, end_us: int
) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for window in run:
        for cause in window.causes:
            if not cause.guilty:
                continue
            begin = max(start_us, window.start_us)
            begin = found.get(cause.entity, (begin, 0))[0]
            found[cause.entity] = begin, min(end_us, window.end_us)
    return found
