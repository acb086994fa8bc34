# SPDX-License-Identifier: Apache-2.0
"""Where disks lie, and how much of its limits one used."""

import numpy
import pytest

from kvm_insight.detect import disk_place
from kvm_insight.model import sample

UUID = '0d4e1b9a-64f2-4ac1-9d7a-f1c1b4e0a111'
TWO = ['nvme0n1', 'sda']


@pytest.mark.parametrize(
    ('path', 'device'),
    [
        (f'/var/lib/nova/instances/{UUID}/disk', '/var/lib/nova/instances'),
        (f'/var/lib/nova/mnt/1f2e/volume-{UUID}', '/var/lib/nova/mnt/1f2e'),
        ('/var/lib/libvirt/images/web.qcow2', '/var/lib/libvirt/images'),
        ('/dev/nvme0n1p3', 'nvme0n1'),
        ('/dev/sda', 'sda'),
        ('/dev/sdab', 'sdab'),
        ('/dev/mapper/nova--volumes-web', 'nova-volumes'),
        ('/dev/nova-volumes/web', 'nova-volumes'),
        (
            '/dev/disk/by-path/ip-10.0.0.1:3260-iscsi-x-lun-1',
            'network storage',
        ),
        (None, 'network storage'),
        ('web.qcow2', 'local disks'),
        ('/dev/', 'local disks'),
    ],
)
def test_what_a_disk_lies_on(path: str | None, device: str) -> None:
    assert disk_place.device_of(path, TWO) == device


def test_all_local_disks_lie_on_the_only_one_there_is() -> None:
    for path in (f'/instances/{UUID}/disk', '/dev/vg/web', '/dev/mapper/a-b'):
        assert disk_place.device_of(path, ['sda']) == 'sda'
        assert disk_place.device_of(path, []) == 'local disks'


def test_the_strictest_limit_counts() -> None:
    limits = sample.DiskLimits(total_requests_s=100, write_bytes_s=1000)
    did = numpy.array([[40.0, 9000.0], [10.0, 900.0]])
    assert disk_place.used(limits, did) == 0.9
    assert disk_place.used(sample.DiskLimits(), did) == 0.0
    assert disk_place.used(limits, did * numpy.nan) == 0.0
