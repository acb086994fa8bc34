# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the balloon."""

from kvm_insight.model import facts

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

GONE = {'<devices>': '<hardware>', '</devices>': '</hardware>'}
HIDDEN = {'</devices>': "</devices><launchSecurity type='sev'/>"}
GIVEN = {'</devices>': "<hostdev mode='subsystem' type='pci'/></devices>"}
LOCKED = {'<iothreads>': '<memoryBacking><locked/></memoryBacking><iothreads>'}
TAKEN = {
    "<currentMemory unit='KiB'>4194304": "<currentMemory unit='KiB'>2097152"
}
WRONG = {"<stats period='10'/>": "<stats period='ten'/>"}


def use(**known: float) -> facts.Use:
    return facts.Use(span_s=3600, samples=360, **known)  # type: ignore[arg-type]


CALM = use(swap_in_bytes_s=0.0, memory_wait_ratio=0.0)
SWAPPING = use(swap_in_bytes_s=5e6)
WAITING = use(memory_wait_ratio=0.2, swap_in_bytes_s=0.0)
# Blown up since the XML was read.
BLOWN = use(balloon_bytes=1 << 30, memory_wait_ratio=0.2)

ROWS = (
    DomainRow('balloon.missing', GOOD),
    DomainRow('balloon.missing', GOOD, 'defaults'),
    DomainRow('balloon.missing', BAD, 'huge'),
    DomainRow('balloon.missing', CANNOT_TELL, changes=GONE),
    DomainRow('balloon.missing', NOT_CONCERNED, changes=HIDDEN),
    DomainRow('balloon.statistics', GOOD),
    DomainRow('balloon.statistics', GOOD, 'tuned'),
    DomainRow('balloon.statistics', BAD, 'defaults'),
    DomainRow(
        'balloon.statistics', BAD, changes={"period='10'": "period='0'"}
    ),
    DomainRow('balloon.statistics', CANNOT_TELL, changes=WRONG, says='ten'),
    DomainRow('balloon.statistics', NOT_CONCERNED, 'huge'),
    DomainRow('balloon.free-pages', GOOD),
    DomainRow('balloon.free-pages', BAD, 'defaults'),
    DomainRow('balloon.free-pages', CANNOT_TELL, changes={'</domain>': ''}),
    DomainRow('balloon.free-pages', NOT_CONCERNED, 'huge'),
    DomainRow('balloon.free-pages', NOT_CONCERNED, changes=GIVEN),
    DomainRow('balloon.free-pages', NOT_CONCERNED, changes=LOCKED),
    DomainRow('balloon.pressure', GOOD),
    DomainRow('balloon.pressure', GOOD, changes=TAKEN, use=CALM),
    DomainRow(
        'balloon.pressure', BAD, changes=TAKEN, use=SWAPPING, says='2048 MiB'
    ),
    DomainRow('balloon.pressure', BAD, changes=TAKEN, use=WAITING),
    DomainRow('balloon.pressure', BAD, use=BLOWN, says='3072 MiB'),
    DomainRow('balloon.pressure', CANNOT_TELL, changes=TAKEN),
    DomainRow('balloon.pressure', CANNOT_TELL, changes=TAKEN, use=use()),
    DomainRow(
        'balloon.pressure',
        CANNOT_TELL,
        changes={"<memory unit='KiB'>": "<memory unit='pages'>"},
        says='pages',
    ),
)
