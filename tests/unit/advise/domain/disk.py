# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of a domain's disks."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

ROWS = (
    DomainRow('disk.emulated', GOOD),
    DomainRow('disk.emulated', BAD, changes={"bus='virtio'": "bus='ide'"}),
    DomainRow('disk.emulated', BAD, changes={"bus='virtio'": "bus='sata'"}),
    DomainRow('disk.emulated', GOOD, changes={"bus='virtio'": "bus='scsi'"}),
    DomainRow('disk.emulated', NOT_CONCERNED, 'tcg'),
    DomainRow('disk.emulated', CANNOT_TELL, changes={'</domain>': ''}),
    DomainRow('disk.emulated', CANNOT_TELL, changes={" bus='virtio'": ''}),
    DomainRow(
        'disk.emulated',
        NOT_CONCERNED,
        changes={"device='disk'": "device='cdrom'"},
    ),
)
