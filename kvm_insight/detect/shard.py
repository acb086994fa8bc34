# SPDX-License-Identifier: Apache-2.0
"""Shard: the detectors of all hosts that share one partition."""

from collections.abc import Iterator

import msgspec

from kvm_insight import exception
from kvm_insight.detect import cohorts, host, report, settings
from kvm_insight.model import (
    codec,
    finding,
    host_report,
    sample,
    state,
    usage,
    vitals,
)

#: A quiet host's state is written again before a replay to it gets long.
_FARTHEST = 20
#: More samples than there ever are between two states.
_DUE = 1_000_000
#: A host that is silent for so long after an hour gets it told even so.
_SILENT_US = 2 * usage.HOUR_US


class Shard:
    """Takes records in order; each host's detector sees its own."""

    def __init__(
        self,
        rules: settings.Settings,
        committed: int,
        report_every_s: float | None = None,
        usual: cohorts.Cohorts | None = None,
    ) -> None:
        """Begin with nothing; what lies before ``committed`` was told.

        Without ``report_every_s`` nothing but findings is told. ``usual`` is
        what is known of cohorts, and may grow.
        """
        self.committed = committed
        #: From which offset to read.
        self.begin = committed
        self._rules = rules
        self._usual = usual
        self._detectors: dict[str, host.Detector] = {}
        self._report_every_s = report_every_s
        self._reporters: dict[str, report.Reporter] = {}
        self._reports: dict[str, host_report.HostReport] = {}
        #: Each host by its newest report.
        self.hosts: dict[str, vitals.Host] = {}
        self._hours: list[usage.HostUsage] = []
        #: The newest hour of any host, since 1970.
        self._hour = 0
        #: Where each host's newest state stands.
        self._stands: dict[str, int] = {}
        #: Samples of each host since then.
        self._fresh: dict[str, int] = {}
        self._next = 0
        #: What came in since this shard began.
        self.counters = dict.fromkeys(
            ('accepted', 'duplicates', 'late', 'missing'), 0
        )

    def restore(self, kept: state.HostState) -> None:
        """Take one host over; raise ValueError for a state that is broken."""
        detector = host.Detector(kept.host, self._rules, self._usual)
        detector.restore(kept)
        self._detectors[kept.host] = detector
        self._stands[kept.host] = kept.offset
        self._fresh[kept.host] = 0
        self.begin = min(self.begin, kept.offset)

    def consume(
        self, offset: int, key: str | None, value: bytes | None
    ) -> list[finding.Finding]:
        """Return what one record tells; raise CodecError if it is none."""
        self._next = offset + 1
        new = codec.decode(value or b'', sample.Sample)
        if key is not None and key != new.host:
            raise exception.RecordDamaged(f'of {new.host!r}, key {key!r}')
        if offset < self._stands.get(new.host, 0):
            return []
        detector = self._detectors.get(new.host)
        if detector is None:
            detector = host.Detector(new.host, self._rules, self._usual)
            self._detectors[new.host] = detector
        before = detector.counters
        found = detector.consume(new)
        self._count(before, detector.counters)
        self._fresh[new.host] = self._fresh.get(new.host, 0) + 1
        if detector.counters.accepted > before.accepted:
            self._report(new, found, detector)
            self._end_hours(new.time_us)
        return found

    def _report(
        self,
        new: sample.Sample,
        found: list[finding.Finding],
        detector: host.Detector,
    ) -> None:
        over = detector.account.drain()
        every_s = self._report_every_s
        if every_s is None:
            return
        self._hours += over
        if new.host not in self._reporters:
            self._reporters[new.host] = report.Reporter(every_s)
        made = self._reporters[new.host].report(new, found, detector.known)
        if made is not None:
            self._reports[new.host] = made
            self.hosts[new.host] = vitals.Host(
                made.time_us,
                made.wanted_cores,
                made.waited_cores,
                made.lost_cores,
            )

    def _end_hours(self, time_us: int) -> None:
        """Tell the last hour of hosts that are gone, once an hour; others'
        samples are the clock."""
        hour = time_us // usage.HOUR_US
        if hour <= self._hour:
            return
        self._hour = hour
        for name, detector in self._detectors.items():
            detector.account.end(time_us - _SILENT_US)
            over = detector.account.drain()
            if over and self._report_every_s is not None:
                self._hours += over
                # Whoever comes next must know that it was told.
                self._fresh[name] = _DUE

    def standing(self, host: str | None) -> list[finding.Finding]:
        """Return a host's open findings as they were told last."""
        detector = self._detectors.get(host or '')
        if detector is None:
            return []
        return list(_open(detector))

    def all_standing(self) -> Iterator[finding.Finding]:
        """Return those of all hosts."""
        for detector in self._detectors.values():
            yield from _open(detector)

    def hours(self) -> list[usage.HostUsage]:
        """Return the hours that ended since this was asked last."""
        over, self._hours = self._hours, []
        return over

    def reports(self) -> list[host_report.HostReport]:
        """Return the newest report of each host that there is to tell."""
        made, self._reports = self._reports, {}
        return list(made.values())

    def due(self, every: int) -> Iterator[state.HostState]:
        """Return the states that it is time to write.

        The first comes with a host's first sample: a host that was ever
        committed has one.
        """
        farthest = _FARTHEST * every * max(1, len(self._detectors))
        for name, detector in self._detectors.items():
            stands = self._stands.get(name)
            if (
                stands is None
                or self._fresh.get(name, 0) >= every
                or self._next - stands >= farthest
            ):
                yield self._kept(name, detector)

    def all(self) -> Iterator[state.HostState]:
        """Return the states of all hosts that have moved."""
        for name, detector in self._detectors.items():
            if self._fresh.get(name, 0):
                yield self._kept(name, detector)

    def _count(self, before: state.Counters, after: state.Counters) -> None:
        for name in self.counters:
            self.counters[name] += getattr(after, name) - getattr(before, name)

    def _kept(self, name: str, detector: host.Detector) -> state.HostState:
        self._stands[name] = self._next
        self._fresh[name] = 0
        return msgspec.structs.replace(detector.state(), offset=self._next)


def _open(detector: host.Detector) -> Iterator[finding.Finding]:
    known = detector.known
    for one in (*known.incidents, *known.device_incidents):
        yield one.finding
