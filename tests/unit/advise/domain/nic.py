# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of a domain's network ports."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow, HostRow

MODEL = "      <model type='virtio'/>\n"
E1000 = {"<model type='virtio'/>": "<model type='e1000'/>"}
SILENT = {MODEL: ''}
HARDWARE = {"interface type='bridge'": "interface type='hostdev'"}
LEFT = {"<driver name='vhost' queues='2'/>": ''}
QEMU = {"<driver name='vhost'": "<driver name='qemu'"}
FOUR = {'>2</vcpu>': '>4</vcpu>'}
WITHOUT = HostRow('', GOOD, known={'modules': ['kvm']})
BLIND = HostRow('', GOOD, known={'modules': None})
ARM = HostRow('', GOOD, 'arm')
WRONG = {"name='vhost' queues='2'": "name='vhost' queues='-2'"}

ROWS = (
    DomainRow('nic.emulated', GOOD),
    DomainRow('nic.emulated', GOOD, 'arm', host=ARM),
    DomainRow('nic.emulated', BAD, changes=E1000, says='tap1'),
    DomainRow('nic.emulated', BAD, changes=SILENT),
    DomainRow('nic.emulated', BAD, 'defaults'),
    DomainRow('nic.emulated', BAD, 'windows'),
    DomainRow('nic.emulated', CANNOT_TELL, 'arm', SILENT, host=ARM),
    DomainRow('nic.emulated', CANNOT_TELL, changes={'</domain>': ''}),
    DomainRow('nic.emulated', NOT_CONCERNED, changes=HARDWARE),
    DomainRow('nic.emulated', NOT_CONCERNED, 'huge'),
    DomainRow('nic.user-space', GOOD),
    DomainRow('nic.user-space', GOOD, changes=LEFT),
    DomainRow('nic.user-space', BAD, changes=QEMU, says='tap1'),
    DomainRow('nic.user-space', BAD, 'tuned'),
    DomainRow('nic.user-space', CANNOT_TELL, changes=LEFT, host=BLIND),
    DomainRow('nic.user-space', CANNOT_TELL, changes=LEFT, host=WITHOUT),
    DomainRow('nic.user-space', NOT_CONCERNED, changes=E1000),
    DomainRow('nic.one-queue', GOOD, changes=FOUR),
    DomainRow('nic.one-queue', GOOD, 'amd'),
    DomainRow('nic.one-queue', BAD, changes={**FOUR, **LEFT}),
    DomainRow('nic.one-queue', BAD, 'arm', host=ARM, says='tapa'),
    DomainRow('nic.one-queue', CANNOT_TELL, changes={'>2</vcpu>': '/>'}),
    DomainRow('nic.one-queue', CANNOT_TELL, changes=WRONG, says='-2'),
    DomainRow('nic.one-queue', NOT_CONCERNED),
    DomainRow('nic.one-queue', NOT_CONCERNED, 'defaults'),
)
