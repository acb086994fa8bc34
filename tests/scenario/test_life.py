# SPDX-License-Identifier: Apache-2.0
"""What may happen to a host and its samples, and no finding comes of it."""

import gc
import itertools
import tracemalloc
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from kvm_insight.detect import host, settings
from kvm_insight.model import codec, finding, sample
from tests.scenario import fair

replace = msgspec.structs.replace
HOUR_US = 3600 * 1_000_000


def detector(**rules: object) -> host.Detector:
    return host.Detector('lab/one', settings.Settings(**rules))  # type: ignore[arg-type]


def told(
    one: host.Detector, samples: Sequence[sample.Sample]
) -> list[finding.Finding]:
    return [found for new in samples for found in one.consume(new)]


def contended(seconds: float = 300, **more: object) -> list[sample.Sample]:
    """Return a host on which one waits for another all the time."""
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,)),
        fair.Guest('noisy', ((1, 1.0),), (0,)),
        fair.Guest('other', ((1, 0.3),), (1,)),
    ]
    return list(fair.Host(guests, **more).samples(seconds))  # type: ignore[arg-type]


@pytest.fixture(scope='module')
def samples() -> list[sample.Sample]:
    return contended()


def victims(findings: Sequence[finding.Finding]) -> list[finding.Finding]:
    return [found for found in findings if found.victim.name == 'victim']


def test_a_wall_clock_that_jumps_changes_nothing_but_times(
    samples: list[sample.Sample],
) -> None:
    jumped = [
        replace(one, time_us=one.time_us - HOUR_US if n > 12 else one.time_us)
        for n, one in enumerate(samples)
    ]
    plain = told(detector(), samples)
    other = told(detector(), jumped)
    assert {f.id for f in plain} == {f.id for f in other}
    for found in other:
        assert found.updated_us >= found.opened_us
        assert found.closed_us is None or found.closed_us >= found.opened_us


def test_a_reboot_ends_what_was_open(samples: list[sample.Sample]) -> None:
    one = detector()
    assert told(one, samples[:15])
    again = [
        replace(new, boot_id='boot-2', agent_id='agent-2', uptime_us=n * 10**7)
        for n, new in enumerate(samples[15:])
    ]
    ends = one.consume(again[0])
    assert {f.closed_reason for f in ends} == {'gone'}
    assert told(one, again[1:4]) == []


def test_a_long_silence_ends_what_was_open(
    samples: list[sample.Sample],
) -> None:
    one = detector()
    opened = {f.id for f in told(one, samples[:15])}
    late = replace(samples[15], uptime_us=samples[15].uptime_us + HOUR_US)
    ends = one.consume(late)
    assert {f.id for f in ends} == opened
    assert {f.closed_reason for f in ends} == {'silent'}
    assert all(f.closed_us == samples[14].time_us for f in ends)


def test_a_missing_sample_here_and_there_does_no_harm(
    samples: list[sample.Sample],
) -> None:
    one = detector()
    kept = [new for n, new in enumerate(samples) if n % 5 != 2]
    found = victims(told(one, kept))
    assert {f.verdict for f in found} == {'antagonist'}
    assert one.counters.missing == len(samples) - len(kept)


def test_a_restarted_guest_is_another_victim(
    samples: list[sample.Sample],
) -> None:
    def restarted(new: sample.Sample) -> sample.Sample:
        domains = [
            replace(
                domain,
                epoch='200.2',
                vcpus=[
                    replace(vcpu, tid=9, run_us=0, run_delay_us=0)
                    for vcpu in domain.vcpus
                ],
            )
            if domain.name == 'victim'
            else domain
            for domain in new.domains
        ]
        return replace(new, domains=domains)

    one = detector()
    told(one, samples[:15])
    ends = victims(one.consume(restarted(samples[15])))
    assert [f.closed_reason for f in ends] == ['gone']
    assert victims(told(one, [restarted(new) for new in samples[16:20]])) == []


def broken(
    samples: Sequence[sample.Sample], at: int
) -> Iterator[sample.Sample]:
    """Let one vCPU's counters go back, and then jump, once."""
    for number, one in enumerate(samples):
        domains = list(one.domains)
        if number in (at, at + 1):
            value = 0 if number == at else 2**52
            vcpu = replace(
                domains[0].vcpus[0], run_us=value, run_delay_us=value
            )
            domains[0] = replace(domains[0], vcpus=[vcpu])
        yield replace(one, domains=domains)


def test_a_counter_that_goes_back_makes_no_finding() -> None:
    guests = [
        fair.Guest('a', ((1, 0.5),), (0,)),
        fair.Guest('b', ((1, 0.5),), (1,)),
    ]
    quiet = list(fair.Host(guests).samples(300))
    assert told(detector(), list(broken(quiet, 10))) == []


def test_a_paused_guest_is_no_victim(samples: list[sample.Sample]) -> None:
    one = detector()
    told(one, samples[:15])
    stopped = samples[15]
    ends = []
    for number in range(1, 12):
        ends += one.consume(
            replace(
                stopped,
                sequence=stopped.sequence + number,
                uptime_us=stopped.uptime_us + number * 10**7,
                time_us=stopped.time_us + number * 10**7,
                ledger=None,
                domains=[
                    replace(domain, state='paused')
                    for domain in stopped.domains
                ],
            )
        )
    last = {f.id: f for f in ends}
    assert all(f.closed_reason == 'recovered' for f in last.values())


def test_an_incident_that_does_not_end_becomes_chronic() -> None:
    found = victims(told(detector(freeze_s=200), contended(600)))
    causes = [f.cause for f in found]
    assert causes[0] is None
    assert causes[-1] == 'chronic'
    assert {f.id for f in found} == {found[0].id}
    assert [a.party.name for a in found[-1].aggressors] == ['noisy']


def test_an_open_finding_is_told_of_once_a_minute(
    samples: list[sample.Sample],
) -> None:
    found = victims(told(detector(), contended(600)))
    times = [f.updated_us / 1e6 for f in found]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert len(gaps) > 5
    assert sum(gap < 59 for gap in gaps) <= 1


def test_the_account_is_the_ledgers(samples: list[sample.Sample]) -> None:
    found = victims(told(detector(), samples))[-1]
    assert sum(found.accounts.values()) == found.lost_us
    assert (
        found.aggressors[0].waited_us
        == found.accounts[found.aggressors[0].party.entity]
    )
    assert found.evidence.run_delay_us == sum(found.evidence.charges.values())


def test_a_sample_of_another_host_is_none_of_its() -> None:
    one = detector()
    assert one.consume(replace(contended(10)[0], host='other')) == []
    assert one.counters.accepted == 0


def cost_of_a_domain(seconds: float) -> float:
    """Return the bytes of memory that each of thirty domains takes."""
    cpus = tuple(range(8))
    guests = [
        fair.Guest(f'g{number}', ((1, 0.1 + 0.01 * number),), cpus)
        for number in range(30)
    ]
    run = fair.Host(guests, cpus=8, slice_us=100_000).samples(seconds)
    raw = [codec.encode(new) for new in run]
    # Whatever is loaded late is loaded now.
    told(detector(), [codec.decode(one, sample.Sample) for one in raw[:99]])
    gc.collect()
    tracemalloc.start()
    one = detector()
    for value in raw:
        one.consume(codec.decode(value, sample.Sample))
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / len(guests)


def test_a_domain_costs_less_than_eleven_kib_before_its_history() -> None:
    assert cost_of_a_domain(900) <= 11 * 1024


@pytest.mark.full
def test_a_domain_costs_less_than_twelve_kib_with_its_history() -> None:
    assert cost_of_a_domain(9000) <= 12 * 1024
