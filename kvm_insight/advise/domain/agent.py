# SPDX-License-Identifier: Apache-2.0
"""QEMU's guest agent: whether it can be asked, and whether it answers."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import question

_CHANNEL = "devices/channel/target[@name='org.qemu.guest_agent.0']"
_SOURCE = 'https://www.qemu.org/docs/master/interop/qemu-ga.html'


@question.reads('guest_agent')
def _has_channel(case: check.DomainCase) -> check.Outcome:
    state = case.domain.guest_agent
    if state is None:
        return check.Bad(((_CHANNEL, 'absent'),), 'no agent can be asked')
    return check.Good(((_CHANNEL, state or 'there'),))


@question.reads('guest_agent')
def _answers(case: check.DomainCase) -> check.Outcome:
    state = case.domain.guest_agent
    if state is None:
        return check.NotConcerned('it has no channel for an agent')
    if state not in ('connected', 'disconnected'):
        return check.CannotTell(f'{_CHANNEL}/@state: libvirt does not say')
    evidence = ((f'{_CHANNEL}/@state', state),)
    if state == 'connected':
        return check.Good(evidence)
    return check.Bad(evidence, 'nobody listens in the guest')


CHECKS = (
    check.Check(
        id='agent.channel',
        subject='agent',
        about='domain',
        severity='low',
        title='There is no channel for the guest agent',
        reason='Snapshots and backups cannot freeze file systems, the clock'
        ' is not set after a pause, trimming and shutting down are asked of'
        ' nobody.',
        libvirt="<channel type='unix'><target type='virtio'"
        " name='org.qemu.guest_agent.0'/></channel> within <devices>, and"
        ' qemu-guest-agent in the guest.',
        nova='Image property hw_qemu_guest_agent=yes (and'
        ' os_require_quiesce=yes for snapshots), then rebuild or a new'
        ' instance.',
        source=_SOURCE,
        unless='the guest must not be reached from its host: the agent runs'
        ' as root in it.',
        look=_has_channel,
    ),
    check.Check(
        id='agent.silent',
        subject='agent',
        about='domain',
        severity='low',
        title='The guest agent does not answer',
        reason='What counts on it waits for its time limit: snapshots that'
        ' quiesce, shutdowns, backups.',
        libvirt='In the guest: install and start qemu-guest-agent (Windows:'
        ' from virtio-win); virsh qemu-agent-command DOMAIN'
        ' \'{"execute":"guest-ping"}\' tells.',
        nova='The same in the instance, best in its image; or'
        ' hw_qemu_guest_agent=no in the image where nobody wants it.',
        source=_SOURCE,
        unless='the guest is still booting, or is not to have it.',
        look=_answers,
    ),
)
