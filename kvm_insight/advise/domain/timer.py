# SPDX-License-Identifier: Apache-2.0
"""Clocks and timers that a guest is given."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import guest, question
from kvm_insight.model import facts, part

_FORMAT = 'https://libvirt.org/formatdomain.html#time-keeping'


def _timer(domain: facts.DomainFacts, name: str) -> part.Timer | None:
    return next((x for x in domain.timers if x.name == name), None)


def _node(name: str, what: str) -> str:
    return f"clock/timer[@name='{name}']/@{what}"


def _beside(domain: facts.DomainFacts) -> check.Outcome | None:
    """Return the answer where the question does not arise, else None."""
    is_x86 = guest.is_x86(domain)
    if is_x86 is None:
        return check.CannotTell('its XML says no os/type/@arch')
    return None if is_x86 else check.NotConcerned('only x86 has this timer')


@question.reads('timers')
def _has_no_hpet(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    beside = _beside(domain)
    if beside is not None:
        return beside
    one = _timer(domain, 'hpet')
    present = None if one is None else one.present
    evidence = ((_node('hpet', 'present'), question.word(present)),)
    if present == 'no':
        return check.Good(evidence)
    return check.Bad(evidence, 'it has a HPET, which QEMU emulates')


@question.reads('timers')
def _has_paravirtual_clock(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    beside = _beside(domain)
    if beside is not None:
        return beside
    if domain.kind is None:
        return check.CannotTell('its XML says no domain/@type')
    if domain.kind != 'kvm':
        return check.NotConcerned(f'it is no KVM guest: {domain.kind}')
    is_windows = guest.is_windows(domain)
    if is_windows is None:
        # KVM's own clock is there by itself; only a no is telling.
        is_windows = False
    name = 'hypervclock' if is_windows else 'kvmclock'
    one = _timer(domain, name)
    present = None if one is None else one.present
    evidence = (
        *guest.told(domain),
        (_node(name, 'present'), question.word(present)),
    )
    good = present == 'yes' if is_windows else present != 'no'
    if good:
        return check.Good(evidence)
    return check.Bad(evidence, f'it has no {name}')


@question.reads('timers')
def _keeps_ticks(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    beside = _beside(domain)
    if beside is not None:
        return beside
    is_windows = guest.is_windows(domain)
    if is_windows is None:
        return check.CannotTell('nothing says which system is in it')
    if not is_windows:
        return check.NotConcerned('only Windows counts ticks of the RTC')
    one = _timer(domain, 'rtc')
    policy = None if one is None else one.tickpolicy
    evidence = ((_node('rtc', 'tickpolicy'), question.word(policy)),)
    if policy == 'catchup':
        return check.Good(evidence)
    return check.Bad(evidence, 'ticks that come too late are lost')


CHECKS = (
    check.Check(
        id='timer.hpet',
        subject='timer',
        about='domain',
        severity='low',
        title='The guest has a HPET',
        reason='QEMU emulates it in user space: where a guest takes it for'
        ' its clock, each look at the time leaves the vCPU.',
        libvirt="<timer name='hpet' present='no'/> within <clock>; then shut"
        ' down and start.',
        nova='No image property hw_time_hpet=True: without it Nova leaves the'
        ' HPET out; then a hard reboot.',
        source=_FORMAT,
        unless='a program in the guest needs it, as some of Windows do.',
        look=_has_no_hpet,
    ),
    check.Check(
        id='timer.paravirtual',
        subject='timer',
        about='domain',
        severity='high',
        title='The guest has no clock that KVM makes for it',
        reason='Each look at the time is then emulated or unsteady: kvmclock'
        ' for Linux and hypervclock for Windows are read without leaving the'
        ' vCPU, and follow a migration.',
        libvirt="<timer name='hypervclock' present='yes'/> within <clock> for"
        " Windows; for others no <timer name='kvmclock' present='no'/>. Shut"
        ' down and start.',
        nova='Image property os_type=windows, by which Nova writes'
        ' hypervclock; kvmclock is there by itself.',
        source=_FORMAT,
        unless='the guest is meant to work with the TSC alone, on hosts that'
        ' scale it.',
        look=_has_paravirtual_clock,
    ),
    check.Check(
        id='timer.ticks',
        subject='timer',
        about='domain',
        severity='low',
        title='Windows loses ticks of its RTC',
        reason='Older Windows counts them for its time: when its vCPU had to'
        ' wait, its clock stays behind.',
        libvirt="<timer name='rtc' tickpolicy='catchup'/> and <timer"
        " name='pit' tickpolicy='delay'/> within <clock>; then shut down and"
        ' start.',
        nova='Nova writes both for every instance; a hard reboot writes the'
        ' XML anew where they are missing.',
        source=_FORMAT,
        unless='it has hypervclock and stimer and is Windows 8 or newer.',
        look=_keeps_ticks,
    ),
)
