# SPDX-License-Identifier: Apache-2.0
"""libvirt's typed parameters; recorded from libvirt 9.0 with QEMU 7.2."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import sample
from kvm_insight.observe import bulk

RECORDED: dict[str, object] = {
    'balloon.current': 131072,
    'balloon.maximum': 262144,
    'balloon.swap_in': 4,
    'balloon.unused': 91272,
    'balloon.major_fault': 312,
    'balloon.last-update': 1_795_489_000,
    'balloon.rss': 226248,
    'block.0.allocation': 0,
    'block.0.backingIndex': 1,
    'block.0.capacity': 67108864,
    'block.0.fl.reqs': 3,
    'block.0.fl.times': 7_000,
    'block.0.name': 'vda',
    'block.0.path': '/guests/alpha.img',
    'block.0.physical': 67108864,
    'block.0.rd.bytes': 512,
    'block.0.rd.reqs': 1,
    'block.0.rd.times': 83564,
    'block.0.wr.bytes': 0,
    'block.0.wr.reqs': 0,
    'block.0.wr.times': 0,
    'block.1.name': 'hda',
    'block.count': 2,
    'net.count': 2,
    'net.1.name': 'tap1',
    'net.1.rx.bytes': 10,
    'net.1.rx.pkts': 1,
    'net.1.rx.errs': 0,
    'net.1.rx.drop': 2,
    'net.1.tx.bytes': 20,
    'net.1.tx.pkts': 3,
    'net.1.tx.errs': 0,
    'net.1.tx.drop': 0,
    'perf.instructions': 5,
    'dirtyrate.megabytes_per_second': 2,
}


def test_units_become_bytes_and_microseconds() -> None:
    found = bulk.parse(RECORDED, wall_s=1_795_489_002.5)
    assert found.memory == sample.Memory(
        balloon_bytes=128 * 1024**2,
        maximum_bytes=256 * 1024**2,
        swap_in_bytes=4096,
        unused_bytes=91272 * 1024,
        major_faults=312,
        rss_bytes=226248 * 1024,
        balloon_age_us=2_500_000,
        dirty_rate_bytes_s=2 * 1024**2,
    )
    assert found.disks[0] == sample.Disk(
        name='vda',
        path='/guests/alpha.img',
        read_requests=1,
        read_bytes=512,
        read_us=83,
        write_requests=0,
        write_bytes=0,
        write_us=0,
        flush_requests=3,
        flush_us=7,
        allocation_bytes=0,
        capacity_bytes=67108864,
        physical_bytes=67108864,
    )
    assert found.perf == sample.Perf(events={'instructions': 5})


def test_a_drive_without_a_medium_has_a_name_and_no_counters() -> None:
    found = bulk.parse(RECORDED, wall_s=0)
    assert found.disks[1] == sample.Disk(name='hda')


def test_an_interface_without_a_device_on_the_host_is_left_out() -> None:
    """User-mode networking is counted by libvirt, but has no name."""
    found = bulk.parse(RECORDED, wall_s=0)
    assert [one.name for one in found.interfaces] == ['tap1']
    assert found.interfaces[0].rx_drops == 2
    assert found.interfaces[0].tx_packets == 3


def test_a_guest_without_a_balloon_driver_has_never_spoken() -> None:
    found = bulk.parse({'balloon.last-update': 0}, wall_s=100)
    assert found.memory == sample.Memory()


def test_a_clock_that_is_behind_the_guests_words_gives_no_negative_age() -> (
    None
):
    found = bulk.parse({'balloon.last-update': 200}, wall_s=100)
    assert found.memory.balloon_age_us == 0


def test_a_busy_domain_is_told_from_one_without_devices() -> None:
    sketch = {'balloon.current': 1, 'balloon.maximum': 1, 'block.count': 1}
    assert not bulk.is_complete(sketch)
    assert bulk.is_complete(RECORDED)


def test_a_migration_is_a_job_in_bytes_and_microseconds() -> None:
    job = bulk.parse_job(
        {
            'type': 2,
            'operation': 5,
            'time_elapsed': 1500,
            'data_total': 100,
            'data_processed': 40,
            'data_remaining': 60,
            'memory_dirty_rate': 3,
            'memory_page_size': 4096,
            'memory_bps': 1000,
        }
    )
    assert job == sample.Job(
        kind='unbounded',
        operation='migration_out',
        elapsed_us=1_500_000,
        total_bytes=100,
        processed_bytes=40,
        remaining_bytes=60,
        dirty_rate_bytes_s=12288,
        transfer_rate_bytes_s=1000,
    )
    assert bulk.parse_job({'type': 0}) is None
    assert bulk.parse_job({}) is None


VALUES = st.one_of(
    st.integers(-(2**64), 2**65),
    st.text(max_size=2000),
    st.none(),
    st.floats(),
)


@given(
    st.dictionaries(st.sampled_from(sorted(RECORDED)), VALUES),
    st.floats(0, 2e9),
)
def test_whatever_libvirt_says_fits_into_a_sample(
    odd: dict[str, object], wall_s: float
) -> None:
    found = bulk.parse(RECORDED | odd, wall_s)
    for part in (found.memory, *found.disks, *found.interfaces):
        try:
            wire = msgspec.json.encode(part)
        except UnicodeEncodeError:
            # Lone surrogates; the whole domain is checked later.
            continue
        assert msgspec.json.decode(wire, type=type(part)) == part
