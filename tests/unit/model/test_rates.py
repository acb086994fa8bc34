# SPDX-License-Identifier: Apache-2.0
"""Rates are exact or unknown: never negative, never absurd."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import rates, sample

UUID = '00000000-0000-4000-8000-000000000001'
INTERVAL_US = 10_000_000
COUNTS = st.integers(0, sample.LIMIT)
MAYBE = st.none() | COUNTS


def vcpu(index: int = 0, **fields: object) -> sample.Vcpu:
    known = {'tid': 100 + index, 'run_us': 1000, 'run_delay_us': 500}
    return sample.Vcpu(index=index, **{**known, **fields})  # type: ignore[arg-type]


def domain(*vcpus: sample.Vcpu, **fields: object) -> sample.Domain:
    known = {'uuid': UUID, 'name': 'a', 'epoch': '1.1', 'state': 'running'}
    return sample.Domain(vcpus=list(vcpus), **{**known, **fields})  # type: ignore[arg-type]


def host(
    *domains: sample.Domain, uptime_us: int = 0, **fields: object
) -> sample.Sample:
    known: dict[str, object] = {
        'host': 'h',
        'boot_id': 'b',
        'agent_id': 'a',
        'sequence': 0,
        'time_us': 0,
        'agent': sample.Agent(version='1'),
        'system': sample.System(cpus='0-1'),
    }
    return sample.Sample(
        domains=list(domains),
        uptime_us=uptime_us,
        **{**known, **fields},  # type: ignore[arg-type]
    )


def between(
    older: sample.Domain, newer: sample.Domain, **fields: object
) -> rates.Domain | None:
    result = rates.between(
        host(older), host(newer, uptime_us=INTERVAL_US, **fields)
    )
    assert result is not None
    return result.domains.get(UUID)


def test_growth_is_exact() -> None:
    found = between(
        domain(vcpu(), vcpu(1)),
        domain(
            vcpu(run_us=1_001_000, run_delay_us=1500),
            vcpu(1, run_us=2_001_000, run_delay_us=500),
        ),
    )
    assert found is not None
    assert (found.run_us, found.run_delay_us) == (3_000_000, 1000)
    assert found.vcpu_count == 2


@given(MAYBE, MAYBE, MAYBE, MAYBE)
def test_what_comes_out_is_possible_or_unknown(
    run: int | None, more: int | None, delay: int | None, later: int | None
) -> None:
    found = between(
        domain(vcpu(run_us=run, run_delay_us=delay)),
        domain(vcpu(run_us=more, run_delay_us=later)),
    )
    assert found is not None
    for part, before, after in (
        (found.run_us, run, more),
        (found.run_delay_us, delay, later),
    ):
        if part is None:
            continue
        assert before is not None
        assert after is not None
        assert part == after - before
        assert 0 <= part <= 1.1 * INTERVAL_US + 20_000


def test_another_process_is_another_domain() -> None:
    assert between(domain(vcpu()), domain(vcpu(), epoch='2.2')) is None


def test_another_thread_of_a_vcpu_is_unknown_for_one_interval() -> None:
    found = between(domain(vcpu()), domain(vcpu(tid=7, run_us=2000)))
    assert found is not None
    assert found.run_us is None


def test_a_vcpu_that_was_plugged_in_makes_the_sum_unknown() -> None:
    found = between(domain(vcpu()), domain(vcpu(), vcpu(1)))
    assert found is not None
    assert found.run_us is None
    assert found.vcpus[0].run_us == 0


def test_a_vcpu_without_a_thread_is_not_there() -> None:
    absent = sample.Vcpu(index=1)
    found = between(domain(vcpu(), absent), domain(vcpu(), absent))
    assert found is not None
    assert found.run_us == 0
    assert found.vcpu_count == 1


def test_another_agent_begins_the_sums_of_threads_anew() -> None:
    older = sample.Threads(kind='emulator', threads=3, run_us=9_000_000)
    newer = sample.Threads(kind='emulator', threads=3, run_us=9_500_000)
    same = between(
        domain(vcpu(), threads=[older]), domain(vcpu(), threads=[newer])
    )
    other = between(
        domain(vcpu(), threads=[older]),
        domain(vcpu(), threads=[newer]),
        agent_id='another',
    )
    assert same is not None
    assert other is not None
    assert same.run_us == 500_000
    assert other.run_us == 0


def test_another_boot_does_not_connect() -> None:
    assert rates.between(host(), host(uptime_us=1, boot_id='c')) is None


def test_a_clock_that_stands_does_not_connect() -> None:
    assert rates.between(host(uptime_us=5), host(uptime_us=5)) is None


def test_the_wall_clock_does_not_matter() -> None:
    result = rates.between(
        host(time_us=10**15), host(time_us=5, uptime_us=INTERVAL_US)
    )
    assert result is not None
    assert result.interval_us == INTERVAL_US


def test_quota_is_never_more_than_the_delay() -> None:
    found = between(
        domain(vcpu(), cpu=sample.CpuControl(throttled_us=0)),
        domain(
            vcpu(run_delay_us=600),
            cpu=sample.CpuControl(throttled_us=9_000_000),
        ),
    )
    assert found is not None
    assert found.throttled_us == 100


def test_no_quota_is_unknown_not_zero() -> None:
    found = between(domain(vcpu()), domain(vcpu()))
    assert found is not None
    assert found.throttled_us is None


def test_polling_is_told_apart_from_work() -> None:
    def polled(us: int) -> sample.Kvm:
        return sample.Kvm(halt_poll_success_us=us, halt_poll_fail_us=us)

    found = between(
        domain(vcpu(), kvm=polled(0)),
        domain(vcpu(run_us=3_001_000), kvm=polled(1_400_000)),
    )
    assert found is not None
    assert (found.run_us, found.halt_poll_us) == (3_000_000, 2_800_000)


def test_what_the_host_itself_used_is_unknown_while_a_domain_is() -> None:
    older = host(domain(vcpu()), system=sample.System(cpus='0-1', user_us=0))
    newer = host(
        domain(vcpu(run_us=2_001_000)),
        uptime_us=INTERVAL_US,
        system=sample.System(cpus='0-1', user_us=5_000_000),
    )
    known = rates.between(older, newer)
    assert known is not None
    assert known.host_us == 3_000_000
    fresh = msgspec.structs.replace(newer, domains=[domain(vcpu(tid=9))])
    unknown = rates.between(older, fresh)
    assert unknown is not None
    assert unknown.host_us is None


def test_a_disk_with_another_image_is_another_disk() -> None:
    def disk(path: str, count: int) -> sample.Disk:
        return sample.Disk(name='vda', path=path, read_requests=count)

    same = between(
        domain(vcpu(), disks=[disk('/a', 5)]),
        domain(vcpu(), disks=[disk('/a', 9)]),
    )
    other = between(
        domain(vcpu(), disks=[disk('/a', 5)]),
        domain(vcpu(), disks=[disk('/b', 9)]),
    )
    assert same is not None
    assert other is not None
    assert same.disks[0].read_requests == 4
    assert same.disks[0].write_requests is None
    assert other.disks == ()


def _told(age_us: int, read_bytes: int) -> sample.Domain:
    return sample.Domain(
        uuid='5e3d076b-2f7d-4c7d-9357-4413af8a19f7',
        name='d',
        epoch='1.1',
        libvirt_age_us=age_us,
        disks=[sample.Disk(name='vda', read_bytes=read_bytes)],
        memory=sample.Memory(major_faults=read_bytes),
    )


def _at(seconds: int, domain: sample.Domain) -> sample.Sample:
    return sample.Sample(
        host='h',
        boot_id='b',
        agent_id='a',
        sequence=seconds,
        time_us=seconds * 1_000_000,
        uptime_us=seconds * 1_000_000,
        agent=sample.Agent(version='1'),
        system=sample.System(cpus='0'),
        domains=[domain],
    )


def test_an_answer_that_is_only_repeated_is_no_idle_disk() -> None:
    """libvirt is asked more rarely than samples are made, or it hangs."""
    first = _at(10, _told(1_000_000, 100))
    repeated = _at(20, _told(11_000_000, 100))
    fresh = _at(30, _told(1_000_000, 700))
    stale = rates.between(first, repeated)
    assert stale is not None
    (found,) = stale.domains.values()
    assert (found.disks, found.memory) == ((), None)
    assert found.libvirt_interval_us is None
    grown = rates.between(repeated, fresh)
    assert grown is not None
    (found,) = grown.domains.values()
    assert found.disks[0].read_bytes == 600
    # Not the ten seconds between the samples.
    assert found.libvirt_interval_us == 20_000_000
