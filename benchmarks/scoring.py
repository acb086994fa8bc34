# SPDX-License-Identifier: Apache-2.0
"""Scoring: what a detector said of a simulated host, held to the truth.

A *naming* is one aggressor of one victim, as long as it is named without a
break; it is right if its time, from the beginning of its evidence, meets a
window in which it is guilty, and counts neither way if it only meets such in
which that is left open. A *statement* is a verdict as long as it stands.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

from kvm_insight.detect import confidence, host, settings
from kvm_insight.model import entity, finding, sample
from kvm_insight.simulate import label

MICRO = 1_000_000
#: Two namings that are no further apart are one.
BREAK_US = 60 * MICRO
#: A pair that is guilty for so long is one that must be named.
LONG_US = 600 * MICRO


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One verdict on one victim, as long as it stood."""

    victim: str
    resource: label.Resource
    verdict: finding.Verdict
    cause: str | None
    named: frozenset[str]
    confidence: float
    #: As ``detect.confidence`` has it.
    kind: str
    #: The domain with the largest part of the ledger's row, if any.
    largest: str | None
    #: When its evidence begins, when it was told, and when it was over.
    since_us: int
    told_us: int
    until_us: int


@dataclasses.dataclass(frozen=True, slots=True)
class Naming:
    """One who is named for one victim."""

    victim: str
    entity: str
    resource: label.Resource
    since_us: int
    told_us: int
    until_us: int


def detected(
    samples: Iterable[sample.Sample],
    rules: settings.Settings,
) -> list[finding.Finding]:
    """Return what the detector tells of one host's samples."""
    found: list[finding.Finding] = []
    detector: host.Detector | None = None
    for one in samples:
        if detector is None:
            detector = host.Detector(one.host, rules)
        found += detector.consume(one)
    return found


def statements(
    findings: Iterable[finding.Finding], end_us: int
) -> list[Statement]:
    """Return the verdicts, in the order in which they were told."""
    stories: dict[str, list[finding.Finding]] = {}
    for one in findings:
        stories.setdefault(one.id, []).append(one)
    made = [
        one for story in stories.values() for one in _of_story(story, end_us)
    ]
    return sorted(made, key=lambda one: (one.told_us, one.victim))


def _of_story(
    story: Sequence[finding.Finding], end_us: int
) -> Iterator[Statement]:
    turns = [
        one
        for at, one in enumerate(story)
        if at == 0 or _key(one) != _key(story[at - 1])
    ]
    closed_us = story[-1].closed_us
    ends = [one.updated_us for one in turns[1:]]
    ends.append(end_us if closed_us is None else closed_us)
    for one, until_us in zip(turns, ends, strict=True):
        yield Statement(
            one.victim.uuid or '',
            one.resource,
            one.verdict,
            one.cause,
            frozenset(party.party.entity for party in one.aggressors),
            one.confidence,
            _kind(one),
            _largest(one),
            min(one.evidence.start_us, one.updated_us),
            one.updated_us,
            until_us,
        )


def _kind(one: finding.Finding) -> str:
    return confidence.kind(
        one.verdict,
        one.cause,
        one.evidence.ledger_source,
        one.evidence.baseline_source,
    )


def _largest(one: finding.Finding) -> str | None:
    row = {
        who: us
        for who, us in one.evidence.charges.items()
        if entity.uuid_of(who) is not None and who != one.victim.entity
    }
    return max(row, key=lambda who: (row[who], who), default=None)


def _key(one: finding.Finding) -> tuple[object, ...]:
    names = frozenset(party.party.entity for party in one.aggressors)
    return one.verdict, one.cause, names


def namings(said: Iterable[Statement]) -> list[Naming]:
    """Return who was named for whom; one after another made one."""
    #: Key -> the number of its last one; number -> that, the oldest first.
    #: A list would be searched for each one that goes on, and a plain way
    #: names tens of thousands on a large host.
    last: dict[tuple[str, str, str], int] = {}
    found: dict[int, Naming] = {}
    numbers = itertools.count()
    for one in said:
        for who in sorted(one.named):
            if entity.uuid_of(who) is None:
                continue
            key = one.victim, who, one.resource
            since, told, until = one.since_us, one.told_us, one.until_us
            known = found.get(last[key]) if key in last else None
            if known and one.told_us <= known.until_us + BREAK_US:
                since, told = known.since_us, known.told_us
                until = max(known.until_us, one.until_us)
                del found[last[key]]
            last[key] = next(numbers)
            found[last[key]] = Naming(
                one.victim, who, one.resource, since, told, until
            )
    return list(found.values())


@dataclasses.dataclass(slots=True)
class Tally:
    """Counts of one group of hosts; they add up."""

    hosts: int = 0
    seconds: float = 0.0
    right: int = 0
    wrong: int = 0
    open: int = 0
    found: int = 0
    missed: int = 0
    #: Of the long ones.
    times_s: list[float] = dataclasses.field(default_factory=list)
    victims_right: int = 0
    victims_wrong: int = 0
    victims_found: int = 0
    victims_missed: int = 0
    #: Label's class, verdict's class.
    classes: dict[tuple[str, str], int] = dataclasses.field(
        default_factory=dict
    )
    #: Confidence of each verdict, if it was right, and its kind.
    sure: list[tuple[float, bool, str]] = dataclasses.field(
        default_factory=list
    )

    def add(self, other: 'Tally') -> None:
        """Take another one's counts in."""
        for field in dataclasses.fields(self):
            mine = getattr(self, field.name)
            theirs = getattr(other, field.name)
            if isinstance(mine, dict):
                for key, count in theirs.items():
                    mine[key] = mine.get(key, 0) + count
            else:
                setattr(self, field.name, mine + theirs)

    @property
    def precision(self) -> float:
        """Return the part of the namings that were right."""
        return part(self.right, self.wrong)

    @property
    def recall(self) -> float:
        """Return the part of the guilty pairs that were named."""
        return part(self.found, self.missed)

    @property
    def f1(self) -> float:
        """Return the harmonic mean of both."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def figures(tally: Tally) -> dict[str, float]:
    """Return what a group is judged by."""
    return {
        'precision': round(tally.precision, 4),
        'recall': round(tally.recall, 4),
        'f1': round(tally.f1, 4),
        'time_to_name_median_s': quantile(tally.times_s, 0.5),
        'time_to_name_p95_s': quantile(tally.times_s, 0.95),
        'pairs': tally.found + tally.missed,
        'namings': tally.right + tally.wrong,
        'hosts': tally.hosts,
    }


def quantile(values: Sequence[float], at: float) -> float:
    """Return the value that so much of all is not above; NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return round(ordered[min(len(ordered) - 1, int(at * len(ordered)))], 1)


def part(yes: int, no: int) -> float:
    """Return the part of the first; NaN of nothing."""
    return yes / (yes + no) if yes + no else math.nan


class Truth:
    """The labels of one host, to be asked."""

    def __init__(
        self, labels: label.Labels, resource: label.Resource = 'cpu'
    ) -> None:
        self.labels = labels
        self.resource = resource
        self.windows = {
            track.victim: track.windows
            for track in labels.tracks
            if track.resource == resource
        }
        self.episodes = [
            one for one in labels.episodes if one.resource == resource
        ]

    def met(self, victim: str, begin: int, end: int) -> list[label.Window]:
        """Return the windows of a victim that a span meets."""
        return [
            one
            for one in self.windows.get(victim, ())
            if one.start_us < end and begin < one.end_us
        ]

    def is_victim(self, victim: str, begin: int, end: int) -> bool | None:
        """Say whether one suffered then; None: it is left open."""
        met = [one.is_victim for one in self.met(victim, begin, end)]
        return any(met) if any(met) or not met else None

    def is_guilty(
        self, victim: str, who: str, begin: int, end: int
    ) -> bool | None:
        """Say whether naming one is right; None: it is left open."""
        left_open = False
        for window in self.met(victim, begin, end):
            for cause in window.causes:
                if cause.entity != who or cause.guilty is False:
                    continue
                if cause.guilty and window.is_victim:
                    return True
                left_open = True
        return None if left_open else False

    def classes(
        self, victim: str, begin: int, end: int
    ) -> set[tuple[str, str | None]]:
        """Return the verdicts that are right; empty: it is left open."""
        met = self.met(victim, begin, end)
        return {
            (one.verdict, one.cause)
            for one in met
            if one.is_victim and one.verdict is not None
        }

    def pairs(self) -> Iterator[tuple[str, str, int, int]]:
        """Return victim, aggressor and time of all who are guilty."""
        for episode in self.episodes:
            for who, (begin, end) in sorted(episode.guilty.items()):
                if entity.uuid_of(who) is not None:
                    yield episode.victim, who, begin, end


def score(
    truth: Truth,
    said: Iterable[Statement],
    long_us: int = LONG_US,
    *,
    history: bool = True,
) -> Tally:
    """Return how right the statements on one host were; with ``history``,
    only what stood when there was one."""
    labels = truth.labels
    seconds = (labels.end_us - labels.start_us) / MICRO
    tally = Tally(hosts=1, seconds=seconds)
    mine = [one for one in said if one.resource == truth.resource]
    if history:
        mine = list(_with_history(mine, truth))
    _score_pairs(tally, truth, namings(mine), long_us)
    _score_victims(tally, truth, mine, long_us)
    _score_classes(tally, truth, mine)
    return tally


def _with_history(
    said: Iterable[Statement], truth: Truth
) -> Iterator[Statement]:
    """Return what stood when there was a history, as far as it did."""
    warm_us = truth.labels.warm_us
    for one in said:
        if one.until_us > warm_us:
            since_us = max(one.since_us, warm_us)
            yield dataclasses.replace(one, since_us=since_us)


def _score_pairs(
    tally: Tally, truth: Truth, named: Sequence[Naming], long_us: int
) -> None:
    of_pair: dict[tuple[str, str], list[Naming]] = {}
    for one in named:
        of_pair.setdefault((one.victim, one.entity), []).append(one)
        right = truth.is_guilty(
            one.victim, one.entity, one.since_us, one.until_us
        )
        tally.right += right is True
        tally.wrong += right is False
        tally.open += right is None
    for victim, who, begin, end in truth.pairs():
        begin = max(begin, truth.labels.warm_us)
        if end - begin < long_us:
            continue
        told = [
            one.told_us
            for one in of_pair.get((victim, who), ())
            if one.told_us < end and one.until_us > begin
        ]
        tally.found += bool(told)
        tally.missed += not told
        if told:
            tally.times_s.append(max(0, min(told) - begin) / MICRO)


def _score_victims(
    tally: Tally, truth: Truth, said: Sequence[Statement], long_us: int
) -> None:
    for one in said:
        right = truth.is_victim(one.victim, one.since_us, one.until_us)
        tally.victims_right += right is True
        tally.victims_wrong += right is False
    for episode in truth.episodes:
        begin = max(episode.start_us, truth.labels.warm_us)
        if episode.end_us - begin < long_us:
            continue
        told = any(
            one.victim == episode.victim
            and one.told_us < episode.end_us
            and one.until_us > episode.start_us
            for one in said
        )
        tally.victims_found += told
        tally.victims_missed += not told


def _score_classes(
    tally: Tally, truth: Truth, said: Sequence[Statement]
) -> None:
    for one in said:
        known = truth.classes(one.victim, one.since_us, one.until_us)
        suffers = truth.is_victim(one.victim, one.since_us, one.until_us)
        if suffers is None or (suffers and not known):
            continue
        names = {_class(*pair) for pair in known} or {'nothing'}
        mine = _class(one.verdict, one.cause)
        key = mine if mine in names else min(names), mine
        tally.classes[key] = tally.classes.get(key, 0) + 1
        if one.verdict != 'unknown':
            right = is_right(truth, one)
            if right is not None:
                tally.sure.append((one.confidence, right, one.kind))


def _class(verdict: str, cause: str | None) -> str:
    return 'quota' if cause == 'quota' else verdict


def is_right(truth: Truth, one: Statement) -> bool | None:
    """Say whether a verdict was right; None: it is left open."""
    span = one.since_us, one.until_us
    if one.verdict == 'antagonist':
        found = [truth.is_guilty(one.victim, who, *span) for who in one.named]
        if False in found:
            return False
        return True if all(found) else None
    known = truth.classes(one.victim, *span)
    if not known:
        return False if truth.is_victim(one.victim, *span) is False else None
    return _class(one.verdict, one.cause) in {_class(*pair) for pair in known}


def bins(
    sure: Iterable[tuple[float, bool, str]],
) -> dict[int, list[tuple[float, bool]]]:
    """Return confidences and outcomes by tenths of confidence."""
    found: dict[int, list[tuple[float, bool]]] = {}
    for sure_of_it, right, _ in sure:
        tenth = min(9, int(sure_of_it * 10))
        found.setdefault(tenth, []).append((sure_of_it, right))
    return found


def calibration_error(sure: Sequence[tuple[float, bool, str]]) -> float:
    """Return the expected error over ten equal bins of confidence."""
    errors = (
        abs(sum(c - right for c, right in some))
        for some in bins(sure).values()
    )
    return sum(errors) / len(sure) if sure else math.nan
