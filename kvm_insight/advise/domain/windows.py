# SPDX-License-Identifier: Apache-2.0
"""What Windows needs to know that it is a guest: enlightenments, clock."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import guest, question

_HYPERV = 'https://www.qemu.org/docs/master/system/i386/hyperv.html'
_ALL = 'passthrough'
#: Those of x86 that cost nothing and pay for any Windows, by QEMU's page.
_NEEDED = (
    'relaxed',
    'vapic',
    'spinlocks',
    'vpindex',
    'synic',
    'stimer',
    'frequencies',
    'tlbflush',
    'ipi',
)
#: Without these Windows suffers most.
_SEVERE = ('relaxed', 'vapic', 'spinlocks')


def _beside(case: check.DomainCase) -> check.Outcome | None:
    """Return the answer where the question does not arise, else None."""
    domain = case.domain
    is_windows = guest.is_windows(domain)
    if is_windows is None:
        return check.CannotTell('nothing says which system is in it')
    if not is_windows:
        return check.NotConcerned('no Windows is in it')
    is_x86 = guest.is_x86(domain)
    if is_x86 is None:
        return check.CannotTell('its XML says no os/type/@arch')
    if not is_x86:
        return check.NotConcerned('only x86 has them')
    return None


def _missing(case: check.DomainCase, names: tuple[str, ...]) -> list[str]:
    given = case.domain.hyperv or {}
    return [one for one in names if given.get(one, 'off') == 'off']


def _evidence(case: check.DomainCase) -> check.Evidence:
    given = case.domain.hyperv or {}
    words = ', '.join(f'{x}={y}' for x, y in sorted(given.items()))
    return (*guest.told(case.domain), ('features/hyperv', words or 'absent'))


def _beside_kvm(case: check.DomainCase) -> check.Outcome | None:
    """Return the same of what KVM alone can do."""
    kind = case.domain.kind
    if kind is None:
        return check.CannotTell('its XML says no domain/@type')
    if kind != 'kvm':
        return check.NotConcerned(f'it is no KVM guest: {kind}')
    return _beside(case)


@question.reads('hyperv', 'features')
def _is_enlightened(case: check.DomainCase) -> check.Outcome:
    beside = _beside_kvm(case)
    if beside is not None:
        return beside
    if case.domain.features.get('hyperv') == _ALL:
        return check.Good((*_evidence(case), ('features/hyperv/@mode', _ALL)))
    missing = _missing(case, _SEVERE)
    if not missing:
        return check.Good(_evidence(case))
    what = f'Windows is not told of {", ".join(missing)}'
    return check.Bad(_evidence(case), what)


@question.reads('hyperv', 'features')
def _is_fully_enlightened(case: check.DomainCase) -> check.Outcome:
    beside = _beside_kvm(case)
    if beside is not None:
        return beside
    if case.domain.features.get('hyperv') == _ALL:
        return check.Good((*_evidence(case), ('features/hyperv/@mode', _ALL)))
    missing = _missing(case, _NEEDED)
    if not missing or set(missing) & set(_SEVERE):
        if missing:
            return check.NotConcerned('the first of them are missing already')
        return check.Good(_evidence(case))
    what = f'Windows is not told of {", ".join(missing)}'
    return check.Bad(_evidence(case), what)


@question.reads('clock')
def _has_local_time(case: check.DomainCase) -> check.Outcome:
    beside = _beside(case)
    if beside is not None:
        return beside
    offset = case.domain.clock
    if offset is None:
        return check.CannotTell('clock/@offset: not in its XML')
    evidence = (*guest.told(case.domain), ('clock/@offset', offset))
    if offset in ('localtime', 'timezone', 'variable'):
        return check.Good(evidence)
    return check.Bad(evidence, 'it takes the hour of UTC for its own')


CHECKS = (
    check.Check(
        id='windows.enlightenment',
        subject='windows',
        about='domain',
        severity='high',
        title='Windows is not told that it is a guest',
        reason='It takes each spinlock and each interrupt for one of real'
        ' hardware: it leaves its vCPU all the time, and may stop with a'
        ' watchdog error on a busy host.',
        libvirt="<hyperv><relaxed state='on'/><vapic state='on'/><spinlocks"
        " state='on' retries='8191'/></hyperv> within <features>; then shut"
        ' down and start.',
        nova='Image property os_type=windows, by which Nova writes them; then'
        ' rebuild, or openstack image set and a hard reboot of new ones.',
        source=_HYPERV,
        unless='a driver refuses to work where it sees Hyper-V (some of'
        ' NVIDIA: then <vendor_id> or hw:hide_hypervisor_id).',
        look=_is_enlightened,
    ),
    check.Check(
        id='windows.further',
        subject='windows',
        about='domain',
        severity='medium',
        title='Windows is not told of all that KVM does for it',
        reason='Without synic and stimer each timer is emulated; without'
        ' tlbflush and ipi a vCPU waits for others that do not even run.',
        libvirt="<hyperv> with vpindex, synic, <stimer state='on'/>,"
        " frequencies, tlbflush, ipi (or mode='passthrough' where it never"
        ' moves); then shut down and start.',
        nova='Image property os_type=windows and a Nova as new as can be: 34'
        ' writes all of them but stimer.',
        source=_HYPERV,
        unless='it has to move to hosts with an older kernel or QEMU that has'
        ' not all of them.',
        look=_is_fully_enlightened,
    ),
    check.Check(
        id='windows.local-time',
        subject='windows',
        about='domain',
        severity='low',
        title='The clock of Windows is set to UTC',
        reason='Windows takes its hardware clock for local time, and is hours'
        ' wrong until it has asked the network: tickets, logs, schedules.',
        libvirt="<clock offset='localtime'>, then shut down and start.",
        nova='Image property os_type=windows, by which Nova writes it; then'
        ' rebuild, or a new instance.',
        source='https://libvirt.org/formatdomain.html#time-keeping',
        unless='RealTimeIsUniversal is set in its registry, or the host'
        ' itself is in UTC and the guest is meant to be.',
        look=_has_local_time,
    ),
)
