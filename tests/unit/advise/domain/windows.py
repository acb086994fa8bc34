# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of Windows."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

#: Nova's way to say it, in an XML without a single enlightenment.
BARE = {'name="os_type">linux': 'name="os_type">windows'}
FIRST = {"<vapic state='on'/>": "<vapic state='off'/>"}
NO_TIMERS = {"<stimer state='on'/>": ''}
ALL = {**FIRST, "<hyperv mode='custom'>": "<hyperv mode='passthrough'>"}
ARM = {"arch='x86_64'": "arch='aarch64'"}
TCG = {"<domain type='kvm'": "<domain type='qemu'"}
NO_ARCH = {" arch='x86_64'": ''}
UTC = {"offset='localtime'": "offset='utc'"}
NO_CLOCK = {"<clock offset='localtime'>": '<clock>'}

ROWS = (
    DomainRow('windows.enlightenment', GOOD, 'windows'),
    DomainRow('windows.enlightenment', GOOD, 'windows', ALL),
    DomainRow('windows.enlightenment', BAD, changes=BARE, says='relaxed'),
    DomainRow('windows.enlightenment', BAD, 'windows', FIRST, says='vapic'),
    DomainRow('windows.enlightenment', CANNOT_TELL, 'defaults'),
    DomainRow('windows.enlightenment', CANNOT_TELL, 'windows', NO_ARCH),
    DomainRow('windows.enlightenment', NOT_CONCERNED),
    DomainRow('windows.enlightenment', NOT_CONCERNED, 'windows', TCG),
    DomainRow('windows.enlightenment', NOT_CONCERNED, 'windows', ARM),
    DomainRow('windows.further', GOOD, 'windows'),
    DomainRow('windows.further', GOOD, 'windows', ALL),
    DomainRow('windows.further', BAD, 'windows', NO_TIMERS, says='stimer'),
    DomainRow('windows.further', CANNOT_TELL, 'defaults'),
    DomainRow('windows.further', NOT_CONCERNED, changes=BARE),
    DomainRow('windows.local-time', GOOD, 'windows'),
    DomainRow('windows.local-time', BAD, 'windows', UTC),
    DomainRow('windows.local-time', CANNOT_TELL, 'windows', NO_CLOCK),
    DomainRow('windows.local-time', NOT_CONCERNED, 'tuned'),
)
