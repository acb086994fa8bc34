# SPDX-License-Identifier: Apache-2.0
"""A reading keeps every counter that rates begin from, and nothing else."""

import numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.model import codec, rates, reading, reading_record, sample

UUIDS = [f'00000000-0000-4000-8000-{number:012}' for number in range(4)]
COUNTS = st.none() | st.integers(0, sample.LIMIT)
VCPUS = st.builds(
    sample.Vcpu,
    index=st.integers(0, 3),
    tid=st.none() | st.integers(1, 3),
    run_us=COUNTS,
    run_delay_us=COUNTS,
    throttled_us=COUNTS,
    halt_poll_us=COUNTS,
)
DOMAINS = st.builds(
    sample.Domain,
    uuid=st.sampled_from(UUIDS),
    name=st.just('a'),
    epoch=st.sampled_from(['1.1', '2.2']),
    state=st.sampled_from(['running', 'paused']),
    libvirt_age_us=COUNTS,
    vcpus=st.lists(VCPUS, max_size=3, unique_by=lambda vcpu: vcpu.index),
    threads=st.lists(
        st.builds(
            sample.Threads,
            kind=st.just('emulator'),
            threads=st.integers(0, 5),
            run_us=COUNTS,
            run_delay_us=COUNTS,
        ),
        max_size=1,
    ),
    kvm=st.none() | st.builds(sample.Kvm, halt_poll_success_us=COUNTS),
    memory=st.none() | st.builds(sample.Memory, oom_kills=COUNTS),
    disks=st.none()
    | st.lists(
        st.builds(
            sample.Disk,
            name=st.just('vda'),
            path=st.none() | st.just('/a'),
            read_us=COUNTS,
        ),
        max_size=1,
    ),
)
HOSTS = st.lists(DOMAINS, max_size=4, unique_by=lambda domain: domain.uuid)


def host(domains: list[sample.Domain], uptime_us: int = 0) -> sample.Sample:
    return sample.Sample(
        host='h',
        boot_id='b',
        agent_id='a',
        sequence=1,
        time_us=5,
        uptime_us=uptime_us,
        agent=sample.Agent(version='1'),
        system=sample.System(cpus='0-1', user_us=7),
        domains=domains,
    )


@settings(deadline=None)
@given(HOSTS, HOSTS)
def test_rates_begin_from_a_stored_reading_as_from_the_sample(
    older: list[sample.Domain], newer: list[sample.Domain]
) -> None:
    first, second = host(older), host(newer, 10_000_000)
    kept = codec.encode(reading_record.of(reading.of(first)))
    restored = codec.decode(kept, sample.Sample)
    plain = rates.between(first, second)
    again = rates.between(restored, second)
    assert plain is not None
    assert again is not None
    assert again.domains == plain.domains
    assert (again.busy_us, again.host_us) == (plain.busy_us, plain.host_us)


@settings(deadline=None)
@given(HOSTS)
def test_a_stored_reading_is_the_same_when_it_is_stored_again(
    domains: list[sample.Domain],
) -> None:
    once = reading_record.of(reading.of(host(domains)))
    assert reading_record.of(reading.of(once)) == once


@settings(deadline=None)
@given(HOSTS, st.permutations(range(4)))
def test_the_order_of_the_domains_does_not_matter(
    domains: list[sample.Domain], order: list[int]
) -> None:
    second = host(domains, 10_000_000)
    mixed = [domains[at] for at in order if at < len(domains)]
    plain = rates.between(host(domains), second)
    other = rates.between(host(mixed), second)
    assert plain is not None
    assert other is not None
    assert other.domains == plain.domains


def test_a_layout_is_used_again_until_something_comes_or_goes() -> None:
    one = sample.Domain(uuid=UUIDS[0], name='a', epoch='1.1')
    other = sample.Domain(uuid=UUIDS[1], name='b', epoch='1.1')
    first = reading.of(host([one]))
    same = reading.of(host([one]), first.layout)
    grown = reading.of(host([one, other]), first.layout)
    assert same.layout is first.layout
    assert grown.layout.uuids == (UUIDS[0], UUIDS[1])
    numbers, known = first.aligned(grown.layout)
    assert known.tolist() == [True, False]
    assert numpy.isnan(grown.layout.tables(numbers).domains[1]).all()
