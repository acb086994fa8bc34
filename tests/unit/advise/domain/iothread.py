# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of I/O threads."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

NONE = '<iothreads>1</iothreads>'
OFF = {" iothread='1'": ''}
WRONG = {"iothread='1'": "iothread='first'"}

ROWS = (
    DomainRow('iothread.missing', GOOD),
    DomainRow('iothread.missing', GOOD, 'tuned'),
    DomainRow('iothread.missing', BAD, 'arm'),
    DomainRow('iothread.missing', BAD, changes={NONE: '', **OFF}),
    # virtio-scsi alone: the controller has the thread.
    DomainRow(
        'iothread.missing',
        BAD,
        'tuned',
        {
            NONE: '',
            "iothread='1' queues": 'queues',
            "queues='2' iothread='1'": "queues='2'",
        },
    ),
    DomainRow('iothread.missing', CANNOT_TELL, changes=WRONG, says='first'),
    DomainRow('iothread.missing', NOT_CONCERNED, 'windows'),
    DomainRow('iothread.missing', NOT_CONCERNED, changes=OFF),
    DomainRow('iothread.idle', GOOD),
    # As Nova 33 and 34 write it.
    DomainRow('iothread.idle', BAD, changes=OFF, says='1 of 1'),
    DomainRow(
        'iothread.idle',
        BAD,
        changes={NONE: '<iothreads>4</iothreads>'},
        says='3 of 4',
    ),
    DomainRow(
        'iothread.idle',
        CANNOT_TELL,
        changes={NONE: '<iothreads>one</iothreads>'},
        says='one',
    ),
    DomainRow('iothread.idle', NOT_CONCERNED, 'defaults'),
)
