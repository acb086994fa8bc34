# SPDX-License-Identifier: Apache-2.0
"""Hours of use: told once, the same whoever goes on, all that was used."""

import random
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.detect import host, shard
from kvm_insight.detect import settings as detect_settings
from kvm_insight.model import codec, entity, sample, state, usage
from tests.scenario import fair, test_handover

RULES = test_handover.RULES
#: The stream then goes over two full hours.
SHIFT_US = 2_500_000_000
BEGIN_US = fair.BEGIN_US + SHIFT_US

replace = msgspec.structs.replace


def equipped(one: sample.Sample, chance: random.Random) -> sample.Sample:
    """Give a sample what libvirt knows and what the host says of itself."""
    seconds = (one.time_us - fair.BEGIN_US) // 1_000_000
    survey = seconds // 30 * 30
    domains = [
        replace(
            domain,
            libvirt_age_us=(seconds - survey) * 1_000_000,
            memory=sample.Memory(
                maximum_bytes=2**30,
                rss_bytes=2**29 + survey * 1000,
                major_faults=survey,
                dirty_rate_bytes_s=survey * 7,
            ),
            disks=[
                sample.Disk(
                    name=name,
                    read_requests=survey * 3,
                    read_bytes=survey * 4096,
                    write_requests=survey * survey,
                )
                for name in ('vda', 'vdb')
            ],
            interfaces=[sample.Interface(name='tap0', rx_bytes=survey * 10)],
        )
        for domain in one.domains
    ]
    system = replace(
        one.system,
        memory_bytes=2**34,
        memory_available_bytes=2**33 + chance.randrange(2**30),
        pressure=sample.Pressure(cpu_some_us=seconds * 50_000),
    )
    return replace(
        one,
        time_us=one.time_us + SHIFT_US,
        domains=domains,
        system=system,
    )


CHANCE = random.Random(5)
SAMPLES = [equipped(one, CHANCE) for one in test_handover.SAMPLES]
NAMES = {domain.name: domain.uuid for domain in SAMPLES[-1].domains}


def hours(
    detector: host.Detector, samples: Sequence[sample.Sample]
) -> list[bytes]:
    """Return the hours that end on the way."""
    told = []
    for one in samples:
        detector.consume(one)
        told += [codec.encode(hour) for hour in detector.account.drain()]
    return told


def whole(samples: Sequence[sample.Sample]) -> list[usage.HostUsage]:
    """Return all hours, the one that is not over among them."""
    detector = host.Detector('lab/one', RULES)
    told = hours(detector, samples)
    kept = detector.account.record()
    assert kept is not None
    told.append(codec.encode(kept))
    return [codec.decode(one, usage.HostUsage) for one in told]


HOURS = whole(SAMPLES)


def of(hour: usage.HostUsage, name: str) -> usage.Instance:
    (found,) = [one for one in hour.instances if one.name == name]
    return found


def test_an_hour_ends_with_the_first_sample_of_the_next() -> None:
    first, second = HOURS
    assert first.start_us % usage.HOUR_US == second.start_us % usage.HOUR_US
    assert second.start_us - first.start_us == usage.HOUR_US
    counted = {(one.agent_id, one.sequence) for one in SAMPLES}
    assert first.samples + second.samples == len(counted)
    assert first.missing + second.missing > 0


def test_nothing_that_was_used_is_lost_or_counted_twice() -> None:
    end = {domain.name: domain for domain in SAMPLES[-1].domains}
    for name in ('victim', 'noisy', 'two'):
        used = sum(of(hour, name).cpu.run_us for hour in HOURS)
        assert used == sum(vcpu.run_us or 0 for vcpu in end[name].vcpus)
        waited = sum(of(hour, name).cpu.delay_us for hour in HOURS)
        delays = [vcpu.run_delay_us or 0 for vcpu in end[name].vcpus]
        assert waited == sum(delays)
    times = sum(hour.measured_us for hour in HOURS)
    assert times == SAMPLES[-1].time_us - SAMPLES[0].time_us


def test_parts_and_histogram_hold_all_that_was_wanted() -> None:
    for hour in HOURS:
        for one in hour.instances:
            cpu = one.cpu
            wanted = cpu.run_us - cpu.polled_us
            wanted += cpu.delay_us - cpu.throttled_us
            assert sum(us for _, us in cpu.parts) == wanted
            assert sum(us for us, _ in cpu.parts) == cpu.measured_us
            weights = sum(weight for _, weight in cpu.histogram)
            assert weights * 100_000 == pytest.approx(cpu.measured_us, 0.01)
            top = usage.quantile(cpu.histogram, 1.0)
            assert top is not None
            assert top * cpu.measured_us >= wanted


def test_a_quota_is_no_want() -> None:
    top = usage.quantile(of(HOURS[0], 'limited').cpu.histogram, 1.0)
    assert top is not None
    assert top < 0.6


def test_the_ledger_says_for_whom_it_was() -> None:
    for hour in HOURS:
        victim = of(hour, 'victim')
        row = usage.row(hour, victim.uuid)
        assert 0.9 < sum(row.values()) / victim.cpu.delay_us <= 1.0
        noisy = entity.domain(of(hour, 'noisy').uuid)
        column = usage.column(hour, of(hour, 'noisy').uuid)
        assert column[entity.domain(victim.uuid)] == row[noisy]


def test_seconds_lost_are_told_by_verdict() -> None:
    lost: dict[str, int] = {}
    for hour in HOURS:
        for verdict, us in of(hour, 'victim').cpu.lost_us.items():
            lost[verdict] = lost.get(verdict, 0) + us
    assert lost['antagonist'] > 20_000_000
    waited = sum(of(hour, 'victim').cpu.delay_us for hour in HOURS)
    assert sum(lost.values()) <= waited


def test_what_libvirt_knows_is_there_once() -> None:
    end = next(one for one in SAMPLES[-1].domains if one.name == 'victim')
    used = [of(hour, 'victim') for hour in HOURS]
    assert end.disks is not None
    reads = sum(one.disk.read_requests for one in used if one.disk)
    assert reads == 2 * (end.disks[0].read_requests or 0)
    faults = sum(one.memory.major_faults for one in used if one.memory)
    assert end.memory is not None
    assert faults == end.memory.major_faults
    assert used[-1].memory is not None
    assert used[-1].memory.rss_bytes == end.memory.rss_bytes
    assert used[-1].network is not None
    assert used[-1].network.peak_bytes_s == 10
    squeezed = sum(hour.pressure['cpu_some_us'] for hour in HOURS)
    end_pressure = SAMPLES[-1].system.pressure
    assert end_pressure is not None
    assert squeezed == end_pressure.cpu_some_us


def test_handed_over_at_every_sample_the_hours_are_the_same() -> None:
    told = hours(host.Detector('lab/one', RULES), SAMPLES)
    assert told
    detector = host.Detector('lab/one', RULES)
    parts = []
    for one in SAMPLES:
        parts += hours(detector, [one])
        detector = test_handover.restored(detector)
    assert parts == told


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(SAMPLES)), st.integers(0, 12))
def test_what_comes_again_after_a_handover_is_not_counted(
    at: int, again: int
) -> None:
    first = host.Detector('lab/one', RULES)
    told = hours(first, SAMPLES[:at])
    second = test_handover.restored(first)
    assert hours(second, SAMPLES[max(0, at - again) : at]) == []
    told += hours(second, SAMPLES[at:])
    assert told == [codec.encode(HOURS[0])]
    assert second.account.record() == HOURS[1]


def test_the_last_hour_of_a_host_that_is_gone_is_told_once() -> None:
    gone = SAMPLES[:20]
    later = [
        replace(one, host='lab/two', time_us=one.time_us + at * 600_000_000)
        for at, one in enumerate(SAMPLES[:40])
    ]
    held = shard.Shard(RULES, 0, 60.0)
    for one in gone:
        held.consume(one.sequence, 'lab/one', codec.encode(one))
    assert held.hours() == []
    told = []
    for number, one in enumerate(later, 100):
        held.consume(number, 'lab/two', codec.encode(one))
        told += [each for each in held.hours() if each.host == 'lab/one']
        kept = {each.host: each for each in held.due(1000)}
        if told:
            break
    (hour,) = told
    assert hour.samples == len({one.sequence for one in gone})
    assert one.time_us - hour.start_us >= 3 * usage.HOUR_US
    assert kept['lab/one'].hour is None
    assert kept['lab/one'].offset == number + 1
    # Whoever goes on from the states does not tell it again.
    after = shard.Shard(RULES, number + 1, 60.0)
    after.restore(kept['lab/one'])
    for number, one in enumerate(later, 100):
        after.consume(number, 'lab/two', codec.encode(one))
    assert {each.host for each in after.hours()} == {'lab/two'}


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    jumped = [
        replace(one, time_us=one.time_us - (3600_000_000 if at > 40 else 0))
        for at, one in enumerate(SAMPLES)
    ]
    told = whole(jumped)
    assert sum(hour.measured_us for hour in told) == sum(
        hour.measured_us for hour in HOURS
    )
    keys = [(one.start_us, one.agent_id, one.first_sequence) for one in told]
    assert len(set(keys)) == len(told) == 3


def test_a_small_step_back_stays_in_its_hour() -> None:
    at = next(
        number
        for number, one in enumerate(SAMPLES)
        if one.time_us >= HOURS[1].start_us
    )
    stepped = [
        replace(one, time_us=one.time_us - 60_000_000 * (number == at + 1))
        for number, one in enumerate(SAMPLES)
    ]
    assert [one.samples for one in whole(stepped)] == [
        one.samples for one in HOURS
    ]


@pytest.mark.parametrize(
    'broken',
    [
        {'charges': [(0, 900, 1)]},
        {'own': usage.Cpu(measured_us=1, histogram=[(999, 1)])},
        {'own': usage.Cpu(measured_us=1, parts=[(1, 1)])},
        {'instances': HOURS[0].instances[:1] * 2},
    ],
)
def test_an_hour_that_does_not_fit_together_is_refused(
    broken: dict[str, object],
) -> None:
    detector = host.Detector('lab/one', RULES)
    hours(detector, SAMPLES[:10])
    kept = detector.state()
    assert kept.hour is not None
    damaged = replace(kept, hour=replace(kept.hour, **broken))
    with pytest.raises(ValueError):
        host.Detector('lab/one', detect_settings.Settings()).restore(damaged)


def test_a_state_of_before_begins_an_hour_anew() -> None:
    detector = host.Detector('lab/one', RULES)
    hours(detector, SAMPLES[:10])
    kept: state.HostState = replace(detector.state(), hour=None)
    detector.restore(kept)
    assert detector.account.record() is None
