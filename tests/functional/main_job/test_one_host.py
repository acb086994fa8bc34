# SPDX-License-Identifier: Apache-2.0
"""Five minutes of one host: who is named, and who never is.

CPU B has a noisy neighbour. CPU A has, one after the other, a guest under a
tight quota, a busy process of the host, and a guest with more vCPUs than CPUs.
All of it goes from QEMU through Kafka to the findings.
"""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator

import pytest

from kvm_insight.model import finding
from tests.functional.main_job import conftest, script, stage, truth

pytestmark = pytest.mark.timeout(600)

Enter = Callable[..., contextlib.AbstractContextManager[truth.Consoles]]
COMMAND = 'backup-job'
PATIENCE_S = 110


@dataclasses.dataclass(frozen=True, slots=True)
class Evening:
    """All that was seen and what was true."""

    at: stage.Stage
    schedule: script.Schedule
    neighbour: script.Guest
    limited: script.Guest
    crowded: script.Guest
    busy: tuple[float, float]
    statuses: dict[str, int]

    @property
    def seen(self) -> list[stage.Seen]:
        """All records of findings in their order."""
        return self.at.reader.seen

    def of(self, victim: script.Guest) -> list[finding.Finding]:
        """Return the records of one victim."""
        return [
            seen.record
            for seen in self.seen
            if seen.record.victim.uuid == victim.uuid
        ]


@pytest.fixture(scope='module')
def evening(
    play: conftest.Play, enter: Enter, cpus: tuple[int, int]
) -> Iterator[Evening]:
    """Play it once for all tests."""
    one, other = cpus[0], str(cpus[1])
    schedule = script.Schedule(
        'noisy neighbour',
        script.Guest('agg', other, '45:3,80:100,600:3'),
        (script.Guest('vic', other, '60:35'),),
        (script.Guest('quiet', other, '60:5'),),
    )
    neighbour = script.Guest('neighbour', str(one), '60:30')
    limited = script.Guest('limited', str(one), '60:100', quota=15)
    crowded = script.Guest('crowded', str(one), '60:100', vcpus=2, loops=2)
    with play('evening') as at, enter(*schedule.guests) as consoles:
        with enter(neighbour):
            with enter(limited):
                _until(at, limited, 'self_inflicted')
            with script.busy_process(COMMAND, one):
                _until(at, neighbour, 'host_process', COMMAND)
        with enter(crowded):
            _until(at, crowded, 'self_inflicted')
        busy = consoles.busy('agg')[0]
        at.reader.wait(schedule.is_over, busy[1] + 125)
        yield Evening(
            at, schedule, neighbour, limited, crowded, busy, at.end()
        )


def _until(
    at: stage.Stage,
    victim: script.Guest,
    verdict: str,
    name: str | None = None,
) -> None:
    """Go on when there is that verdict; the tests say whether it came."""

    def wanted(record: finding.Finding) -> bool:
        names = {one.party.name for one in record.aggressors}
        return (
            record.victim.uuid == victim.uuid
            and record.verdict == verdict
            and (name is None or name in names)
        )

    at.reader.wait(wanted, time.monotonic() + PATIENCE_S)


def test_the_aggressor_is_named_within_60_s(evening: Evening) -> None:
    first = next(
        seen.at_s
        for seen in evening.seen
        if evening.schedule.names_aggressor(seen.record)
    )
    assert first - evening.busy[0] <= 60


def test_its_finding_closes_within_120_s(evening: Evening) -> None:
    opened = {
        seen.record.id
        for seen in evening.seen
        if evening.schedule.names_aggressor(seen.record)
    }
    closed = {
        seen.record.id: seen.at_s
        for seen in evening.seen
        if seen.record.state == 'closed'
    }
    assert opened
    assert opened <= set(closed)
    assert max(closed[one] for one in opened) - evening.busy[1] <= 120


def test_nobody_but_the_aggressor_is_ever_named(evening: Evening) -> None:
    wrong = [
        seen.record.summary
        for seen in evening.seen
        if script.named(seen.record) - {evening.schedule.aggressor.uuid}
    ]
    assert wrong == []


def test_a_guest_under_a_tight_quota_suffers_from_itself(
    evening: Evening,
) -> None:
    records = evening.of(evening.limited)
    assert records
    assert {record.verdict for record in records} == {'self_inflicted'}
    assert {record.cause for record in records} == {'quota'}


def test_neighbours_of_a_limited_guest_are_blamed_for_nothing(
    evening: Evening,
) -> None:
    blamed = set().union(*map(script.named, evening.of(evening.limited)))
    assert blamed == set()


def test_a_busy_process_of_the_host_is_named_and_no_instance(
    evening: Evening,
) -> None:
    records = [
        record
        for record in evening.of(evening.neighbour)
        if COMMAND in {one.party.name for one in record.aggressors}
    ]
    assert records
    assert {record.verdict for record in records} == {'host_process'}
    assert set().union(*map(script.named, records)) == set()


def test_a_guest_with_more_vcpus_than_cpus_suffers_from_itself(
    evening: Evening,
) -> None:
    records = evening.of(evening.crowded)
    # Whatever else runs on this machine's CPU is the host's, and said so.
    verdicts = {one.verdict for one in records}
    assert 'self_inflicted' in verdicts
    assert verdicts <= {'self_inflicted', 'host_process'}
    own = [one for one in records if one.verdict == 'self_inflicted']
    assert {one.cause for one in own} == {'own_threads'}
    assert set().union(*map(script.named, records)) == set()


def test_all_services_end_well_when_they_are_asked_to(
    evening: Evening,
) -> None:
    assert set(evening.statuses.values()) == {0}, evening.statuses


def test_a_replay_of_the_recording_gives_the_same_bytes(
    evening: Evening,
) -> None:
    replayed = evening.at.replay()
    assert replayed == evening.at.replay()
    assert stage.by_finding(replayed.splitlines()) == evening.at.live()
