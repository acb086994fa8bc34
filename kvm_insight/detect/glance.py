# SPDX-License-Identifier: Apache-2.0
"""Glance: which domains one window may show as waiting, all together."""

import functools
from collections.abc import Iterator

import numpy

from kvm_insight.detect import memory, settings, track
from kvm_insight.model import window

#: A first look must not lose whom an exact one would find.
_NEARLY = 0.99


class Glance:
    """Looks at all domains that may be judged, at one sample: through each
    window, and, early, through all but the last with the next one's floor."""

    def __init__(self, known: memory.Memory, rules: settings.Settings) -> None:
        self._known = known
        self._rules = rules

    def waiting(self, at: int) -> Iterator[tuple[track.Track, list[int]]]:
        """Yield who may be above in one look, or was lately (both as
        ``track.Track.flags``), and their sums."""
        for look, place in self._chosen:
            if look == at:
                sums = self._sums[at % len(self._rules.scales), place]
                yield self._followed[0][place], sums.tolist()

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

    @functools.cached_property
    def _sums(self) -> window.Numbers:
        """Return window x domain x what ``window.Window.sums`` has."""
        lengths = [scale.seconds for scale in self._rules.scales]
        return self._known.series.sums(lengths)[:, self._followed[1]]

    @functools.cached_property
    def _chosen(self) -> list[tuple[int, int]]:
        """Return number of look and place of who is to be looked at. The
        flags are those before this sample: each look is asked of once."""
        scales = self._rules.scales
        run_us, delay_us, _, poll_us, measured_us = self._sums.transpose(
            2, 0, 1
        )
        # Who wanted nothing, as one that is paused, did not wait.
        wanted_us = numpy.maximum(run_us - poll_us + delay_us, 1)
        floors = numpy.array([_NEARLY * one.floor for one in scales])[:, None]
        flags = [one.flags for one in self._followed[0]]
        flagged = any(map(any, flags))
        # As nearly always: nobody is near the lowest floor, nor was above.
        if not (flagged or (delay_us >= floors.min() * wanted_us).any()):
            return []
        waits = numpy.concatenate(
            [
                delay_us >= floors * wanted_us,
                delay_us[:-1] >= floors[1:] * wanted_us[:-1],
            ]
        )
        if flagged:
            waits |= numpy.array(flags, bool).T
        if not waits.any():
            return []
        least_us = [self._rules.coverage * one.seconds * 1e6 for one in scales]
        covered = measured_us >= numpy.array(least_us)[:, None]
        waits &= numpy.concatenate([covered, covered[:-1]])
        looks, places = numpy.nonzero(waits)
        return list(zip(looks.tolist(), places.tolist(), strict=True))
