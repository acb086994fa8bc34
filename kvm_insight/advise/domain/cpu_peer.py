# SPDX-License-Identifier: Apache-2.0
"""Whether other hosts could take a domain over, by its CPU."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import cpu_model, guest, question
from kvm_insight.model import facts

_INFO = '/proc/cpuinfo'
_MODELS = 'https://docs.openstack.org/nova/latest/admin/cpu-models.html'
_RIGID = ('host-passthrough', 'maximum')


@question.reads()
def _is_mobile(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    if domain.kind is None:
        return check.CannotTell('its XML says no domain/@type')
    if domain.kind != 'kvm':
        return check.NotConcerned(f'it is no KVM guest: {domain.kind}')
    evidence = (
        ('cpu/@mode', question.word(domain.cpu_mode)),
        ('cpu/@migratable', question.word(domain.cpu_migratable)),
        ('cpu/feature', cpu_model.policies(domain.cpu_features)),
    )
    if _is_nailed(domain):
        what = 'invtsc, or all that cannot be migrated, is asked for'
        return check.Bad(evidence, what)
    if not case.peers:
        return check.CannotTell('no other host is known to compare with')
    if domain.cpu_mode in _RIGID:
        return _fits_twins(case, evidence)
    if not guest.is_x86(domain):
        return check.CannotTell(f'models of {domain.architecture}')
    return _fits_peers(case, evidence)


def _is_nailed(domain: facts.DomainFacts) -> bool:
    if domain.cpu_features.get('invtsc') in cpu_model.THERE:
        return True
    return domain.cpu_mode in _RIGID and domain.cpu_migratable == 'off'


def _fits_twins(
    case: check.DomainCase, evidence: check.Evidence
) -> check.Outcome:
    host = case.host
    for one in (host, *case.peers):
        if one.cpu_flags is None or one.cpu_model is None:
            return check.why_unknown(one, 'cpu_model', 'cpu_flags')
    models = sorted({str(x.cpu_model) for x in (host, *case.peers)})
    seen = (*evidence, (_INFO, '; '.join(models)))
    others = [
        str(x.cpu_model)
        for x in case.peers
        if x.cpu_vendor != host.cpu_vendor
        or set(x.cpu_flags or ()) != set(host.cpu_flags or ())
    ]
    if not others:
        return check.Good(seen)
    what = f'it has all of this processor, and others differ: {others[0]}'
    return check.Bad(seen, what)


def _fits_peers(
    case: check.DomainCase, evidence: check.Evidence
) -> check.Outcome:
    has = cpu_model.features(case.domain)
    if has is None:
        what = 'cpu/model: not there before it is started'
        return check.CannotTell(what)
    if isinstance(has, str):
        return check.CannotTell(has)
    names = {**cpu_model.FAST, **cpu_model.SAFE}
    needed = {names[x] for x in has if x in names}
    lacking: set[str] = set()
    for one in case.peers:
        if one.cpu_flags is None:
            return check.why_unknown(one, 'cpu_flags')
        lacking |= needed - set(one.cpu_flags)
    model = ('cpu/model', question.word(case.domain.cpu_model))
    others = f'flags of {len(case.peers)} other hosts'
    seen = (*evidence, model, (_INFO, others))
    if not lacking:
        return check.Good(seen)
    lost = cpu_model.words(lacking)
    what = f'another host has no {lost}, which it was started with'
    return check.Bad(seen, what)


CHECKS = (
    check.Check(
        id='cpu.unmigratable',
        subject='cpu',
        about='domain',
        severity='medium',
        title='Its CPU keeps it from being live-migrated',
        reason='A guest goes on with the features that it began with; a host'
        ' without one of them refuses it, or the guest breaks there.',
        libvirt="<cpu mode='custom'> with the model that virsh"
        ' hypervisor-cpu-baseline makes of all hosts; no feature invtsc and'
        " no migratable='off'.",
        nova='nova.conf [libvirt] cpu_mode = custom with cpu_models that all'
        ' hosts have; or host aggregates of one processor each.',
        source=_MODELS,
        unless='it is never to move, or only between hosts that are alike:'
        ' same processor, microcode, kernel.',
        look=_is_mobile,
    ),
)
