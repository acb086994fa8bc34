# SPDX-License-Identifier: Apache-2.0
"""Host's side and libvirt's side in one domain."""

import dataclasses

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import (
    assembly,
    bulk,
    domain,
    knowledge,
    resctrl,
    roster,
)

UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
ENTRY = roster.Entry(UUID, 'from-qemu', 100, 7)
PARTS = domain.Parts(
    epoch='100.7',
    vcpus=[sample.Vcpu(index=0, tid=101, run_us=5)],
    threads=[],
    affinity='0',
    cpu=None,
    kvm=None,
    pressure=None,
    memory=sample.Memory(rss_bytes=111, host_minor_faults=2),
    monitored=None,
    run_delay_us=9,
)
KNOWN = knowledge.Known(
    uuid=UUID,
    name='from-libvirt',
    state='paused',
    reason='user',
    measured=bulk.Measured(
        memory=sample.Memory(
            rss_bytes=222, balloon_bytes=333, balloon_age_us=1_000_000
        ),
        disks=(sample.Disk(name='vda'), sample.Disk(name='vdb', path='/b')),
        interfaces=(),
        perf=None,
    ),
    measured_s=100.0,
)


def test_both_sides_stand_side_by_side_with_their_age() -> None:
    found = assembly.assemble(ENTRY, PARTS, KNOWN, 102.5)
    assert found.name == 'from-libvirt'
    assert (found.state, found.state_reason) == ('paused', 'user')
    assert found.libvirt_age_us == 2_500_000
    assert found.memory == sample.Memory(
        # What /proc says is newer.
        rss_bytes=111,
        host_minor_faults=2,
        balloon_bytes=333,
        balloon_age_us=3_500_000,
    )
    assert found.vcpus == PARTS.vcpus


def test_without_libvirt_the_host_still_has_its_say() -> None:
    found = assembly.assemble(ENTRY, PARTS, None, 1.0)
    assert found.name == 'from-qemu'
    assert found.state == 'unknown'
    assert found.libvirt_age_us is None
    # Not measured is not the same as having none.
    assert found.disks is None
    assert found.interfaces is None
    assert found.memory == PARTS.memory


def test_the_kernels_resctrl_monitors_go_with_libvirts_perf() -> None:
    parts = dataclasses.replace(PARTS, monitored=resctrl.Monitored(1, 2, 3))
    found = assembly.assemble(ENTRY, parts, KNOWN, 1.0)
    assert found.perf == sample.Perf(
        cache_occupancy_bytes=1,
        memory_bandwidth_total_bytes=2,
        memory_bandwidth_local_bytes=3,
    )


def test_the_xml_adds_owner_paths_and_limits() -> None:
    limits = sample.DiskLimits(read_bytes_s=7)
    found = assembly.described(
        assembly.assemble(ENTRY, PARTS, KNOWN, 100.0),
        sample.Identity(project_id='p'),
        4,
        {'vda': '/a', 'vdb': '/old'},
        {'vdb': limits},
    )
    assert found.identity.project_id == 'p'
    assert found.vcpus_maximum == 4
    assert found.disks == [
        sample.Disk(name='vda', path='/a'),
        sample.Disk(name='vdb', path='/b', limits=limits),
    ]


@pytest.mark.parametrize(
    'entry',
    [
        dataclasses.replace(ENTRY, name='n' * 1025),
        dataclasses.replace(ENTRY, name='\udcff'),
        dataclasses.replace(ENTRY, uuid='no uuid'),
    ],
)
def test_what_no_reader_would_take_is_an_error_of_this_domain(
    entry: roster.Entry,
) -> None:
    found = assembly.assemble(entry, PARTS, None, 1.0)
    with pytest.raises(exception.CollectorError, match='does not fit'):
        assembly.fit(found)


def test_what_fits_comes_back_as_it_was() -> None:
    found = assembly.assemble(ENTRY, PARTS, KNOWN, 100.0)
    assert assembly.fit(found) == found


def test_one_that_does_not_fit_costs_no_other() -> None:
    good = assembly.assemble(ENTRY, PARTS, KNOWN, 1.0)
    bad = msgspec.structs.replace(good, epoch='x' * 2000)
    found, misfits = assembly.fit_all([good, bad, good])
    assert found == [good, good]
    assert len(misfits) == 1
    assert good.uuid in misfits[0]
