# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of a domain's disks."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

CDROM = {"device='disk'": "device='cdrom'"}
FOUR = {'>2</vcpu>': '>4</vcpu>'}
ONE = {**FOUR, "iothread='1' queues='2'": "iothread='1' queues='1'"}
UNSAID = {**FOUR, "iothread='1' queues='2'": "iothread='1'"}

ROWS = (
    DomainRow('disk.emulated', GOOD),
    DomainRow('disk.emulated', GOOD, 'tuned'),
    DomainRow('disk.emulated', BAD, changes={"bus='virtio'": "bus='ide'"}),
    DomainRow('disk.emulated', BAD, changes={"bus='virtio'": "bus='sata'"}),
    DomainRow('disk.emulated', BAD, 'defaults', says='hda'),
    DomainRow('disk.emulated', BAD, 'windows', says='sda'),
    DomainRow('disk.emulated', GOOD, changes={"bus='virtio'": "bus='scsi'"}),
    DomainRow('disk.emulated', NOT_CONCERNED, 'tcg'),
    DomainRow('disk.emulated', CANNOT_TELL, changes={'</domain>': ''}),
    DomainRow('disk.emulated', CANNOT_TELL, changes={" bus='virtio'": ''}),
    DomainRow(
        'disk.emulated',
        CANNOT_TELL,
        changes={'<devices>': '<hardware>', '</devices>': '</hardware>'},
        says='no element devices',
    ),
    DomainRow('disk.emulated', NOT_CONCERNED, changes=CDROM),
    DomainRow('disk.one-queue', GOOD, changes=FOUR),
    DomainRow('disk.one-queue', GOOD, 'amd'),
    DomainRow('disk.one-queue', GOOD, changes=UNSAID),
    DomainRow('disk.one-queue', GOOD, 'tuned', {'>2</vcpu>': '>4</vcpu>'}),
    DomainRow(
        'disk.one-queue',
        BAD,
        'tuned',
        {'>2</vcpu>': '>4</vcpu>', "<driver queues='2'": "<driver queues='1'"},
    ),
    DomainRow('disk.one-queue', BAD, changes=ONE, says='4 vCPUs'),
    DomainRow(
        'disk.one-queue', BAD, changes={**UNSAID, 'q35-10.0': 'q35-5.1'}
    ),
    DomainRow(
        'disk.one-queue',
        CANNOT_TELL,
        changes={**UNSAID, 'q35-10.0': 'q35-noble'},
        says='pc-q35-noble',
    ),
    DomainRow(
        'disk.one-queue',
        CANNOT_TELL,
        changes={"discard='unmap' iothread='1' queues='2'": "queues='two'"},
        says='two',
    ),
    DomainRow('disk.one-queue', NOT_CONCERNED),
    DomainRow('disk.one-queue', NOT_CONCERNED, 'windows'),
    DomainRow('disk.discard', GOOD),
    DomainRow('disk.discard', GOOD, 'tuned'),
    DomainRow('disk.discard', BAD, 'defaults'),
    DomainRow('disk.discard', BAD, changes={"'unmap'": "'ignore'"}),
    DomainRow('disk.discard', CANNOT_TELL, changes={"type='block' ": ''}),
    DomainRow('disk.discard', NOT_CONCERNED, 'huge'),
    DomainRow(
        'disk.discard',
        NOT_CONCERNED,
        changes={"<target dev='vda'": "<readonly/><target dev='vda'"},
    ),
)
