# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of timers."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

NO_ARCH = {" arch='x86_64'": ''}
HPET = {"name='hpet' present='no'": "name='hpet' present='yes'"}
NO_KVMCLOCK = {"name='hpet' present='no'": "name='kvmclock' present='no'"}
NO_HYPERV = {"    <timer name='hypervclock' present='yes'/>\n": ''}
LOST = {"name='rtc' tickpolicy='catchup'": "name='rtc'"}

ROWS = (
    DomainRow('timer.hpet', GOOD),
    DomainRow('timer.hpet', GOOD, 'windows'),
    DomainRow('timer.hpet', BAD, 'defaults'),
    DomainRow('timer.hpet', BAD, changes=HPET),
    DomainRow('timer.hpet', CANNOT_TELL, changes=NO_ARCH),
    DomainRow('timer.hpet', NOT_CONCERNED, 'arm'),
    DomainRow('timer.paravirtual', GOOD),
    DomainRow('timer.paravirtual', GOOD, 'windows'),
    DomainRow('timer.paravirtual', GOOD, 'defaults'),
    DomainRow('timer.paravirtual', BAD, changes=NO_KVMCLOCK, says='kvmclock'),
    DomainRow('timer.paravirtual', BAD, 'windows', NO_HYPERV, says='hyperv'),
    DomainRow('timer.paravirtual', CANNOT_TELL, changes=NO_ARCH),
    DomainRow('timer.paravirtual', NOT_CONCERNED, 'tuned'),
    DomainRow('timer.ticks', GOOD, 'windows'),
    DomainRow('timer.ticks', BAD, 'windows', LOST),
    DomainRow('timer.ticks', CANNOT_TELL, 'defaults'),
    DomainRow('timer.ticks', NOT_CONCERNED),
)
