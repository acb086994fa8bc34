# SPDX-License-Identifier: Apache-2.0
"""Feeder: from the compacted topics to files beside Nova's scheduler.

It decides nothing: heat is a function of a host's newest report, marks are the
planner's. What is older than it may be is left out, so that a bus or a planner
that is away makes the files say less and less, and never something old.
"""

import dataclasses
import logging
import threading
import time
from collections.abc import Mapping

from kvm_insight import exception
from kvm_insight.bus import dispatch, port, tail, topic
from kvm_insight.conf import feed as options
from kvm_insight.feed import heard
from kvm_insight.feed import port as feed_port
from kvm_insight.model import inventory, vitals
from kvm_insight.recommend import heat, overlay, world

LOG = logging.getLogger(__name__)

_READ_S = 0.5
_BACK_OFF_S = 1.0
#: Usage is not read here.
_NO_HOURS = 24


class Feeder:
    """Follows the topics and writes what the feeds make of them."""

    def __init__(
        self,
        bus: port.Bus,
        settings: options.Settings,
        feeds: Mapping[str, feed_port.Feed],
    ) -> None:
        """Use the bus; the feeds stay the caller's."""
        self._bus = bus
        self._settings = settings
        self._feeds = feeds
        self._world = world.World(_NO_HOURS)
        self._dispatch = dispatch.Dispatch(
            settings.prefix,
            {
                topic.HOSTS: self._world.take_report,
                topic.CONTROL: self._world.take_order,
                topic.RECOMMENDATIONS: self._world.take_recommendation,
                topic.INVENTORY: self._world.take_facts,
            },
        )
        self._write_at_s = 0.0
        #: Half of the past would be an old state.
        self._is_current = False
        self._trouble: dict[str, str] = {}
        self._written_us: dict[str, int] = {}
        self._vitals = vitals.Feeder()

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; raise BusRefused if that is vain."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except exception.BusUnavailable as why:
                self._told('bus', str(why))
                self._show()
                if self._is_current:
                    self._write()
                stop.wait(_BACK_OFF_S)

    def now(self) -> feed_port.Told:
        """Return what there is to be fed now; read all that is there."""
        reader = tail.Tail(self._bus, self._dispatch.topics)
        try:
            for record in reader.begin(0):
                self._dispatch.take(record)
        finally:
            reader.close()
        return self.told(time.time_ns() // 1000)

    def told(self, now_us: int) -> feed_port.Told:
        """Return what there is to be fed, without what is too old."""
        seen, age_s = self._world, self._settings.max_age_s
        oldest_us = now_us - age_s * 1_000_000
        marks = seen.marks
        if marks is not None and marks.time_us < oldest_us:
            marks = None
        status = self._status()
        has_planner = status is not None and status.time_us >= oldest_us
        reports = overlay.fresh(seen.reports, now_us, age_s)
        outlooks = seen.outlooks if has_planner else {}
        told = heard.of(seen, seen.generation, now_us)
        return dataclasses.replace(
            told,
            marks=marks,
            heats=heat.of_hosts(reports, outlooks),
            standing=told.standing if has_planner else [],
        )

    @property
    def signs(self) -> vitals.Feeder:
        """Return how it fares; from any thread."""
        return self._vitals

    @property
    def states(self) -> Mapping[str, str]:
        """Return how the planner's feeds are, as it said last."""
        status = self._status()
        return status.feeds if status is not None else {}

    def _status(self) -> inventory.PlannerStatus | None:
        found = self._world.facts.get('planner')
        return found if isinstance(found, inventory.PlannerStatus) else None

    def _follow(self, stop: threading.Event) -> None:
        """Read and write; raise BusUnavailable, and begin anew."""
        reader = tail.Tail(self._bus, self._dispatch.topics)
        try:
            self._is_current = False
            reader.start(0)
            while not stop.is_set():
                for record in reader.read(_READ_S):
                    self._dispatch.take(record)
                if not self._is_current:
                    self._is_current = not reader.is_behind()
                if self._is_current:
                    self._told('bus', None)
                    self._write()
                self._show()
        finally:
            reader.close()

    def _write(self) -> None:
        """Let each feed write, if it is time to."""
        if time.monotonic() < self._write_at_s:
            return
        self._write_at_s = time.monotonic() + self._settings.write_every_s
        now_us = time.time_ns() // 1000
        told = self.told(now_us)
        for name, feed in self._feeds.items():
            try:
                if name in told.off:
                    feed.clear(_may)
                else:
                    feed.write(told, _may)
                self._told(name, None)
                self._written_us[name] = now_us
            except exception.FeedError as why:
                self._told(name, str(why))
        self._world.forget(now_us)

    def _show(self) -> None:
        """Bring the vitals up to now."""
        self._vitals = vitals.Feeder(
            bus_up='bus' not in self._trouble,
            time_us=time.time_ns() // 1000,
            current=self._is_current,
            hosts=len(self._world.reports),
            written_us=dict(self._written_us),
            works={name: name not in self._trouble for name in self._feeds},
        )

    def _told(self, name: str, why: str | None) -> None:
        """Say once that something is wrong, and that it is well again."""
        before = self._trouble.pop(name, None)
        if why is not None:
            self._trouble[name] = why
            if before is None:
                LOG.warning('%s: %s; trying again', name, why)
        elif before is not None:
            LOG.warning('%s: works again', name)


def _may() -> bool:
    """Files on this machine are everybody's own to write."""
    return True
