# SPDX-License-Identifier: Apache-2.0
"""The CPU that a domain sees, against that of the host and of its peers."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import cpu_model, guest, question
from kvm_insight.model import facts

_INFO = '/proc/cpuinfo'
_FAULTS = '/sys/devices/system/cpu/vulnerabilities'
_MODELS = 'https://docs.openstack.org/nova/latest/admin/cpu-models.html'
_QEMU = 'https://www.qemu.org/docs/master/system/qemu-cpu-models.html'
#: A fault of the processor -> features, one of which a guest needs for it.
_AGAINST = {
    'spectre_v2': ('spec-ctrl', 'ibpb'),
    'spec_store_bypass': ('ssbd', 'amd-ssbd', 'virt-ssbd'),
}


def _concerns(domain: facts.DomainFacts) -> check.Outcome | None:
    """Return the answer where the question does not arise, else None."""
    if domain.kind is None or domain.architecture is None:
        return check.CannotTell('its XML says no domain/@type or no os/type')
    if domain.kind != 'kvm':
        return check.NotConcerned(f'it is no KVM guest: {domain.kind}')
    if not guest.is_x86(domain):
        return check.NotConcerned('only x86 has CPU models of this kind')
    return None


@question.reads()
def _is_more_than_basic(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    beside = _concerns(domain)
    if beside is not None:
        return beside
    evidence = (
        ('cpu/@mode', question.word(domain.cpu_mode)),
        ('cpu/model', question.word(domain.cpu_model)),
    )
    if domain.cpu_model in cpu_model.BASIC:
        what = f'{domain.cpu_model} has next to nothing of the processor'
        return check.Bad(evidence, what)
    if (
        domain.cpu_model is None
        and domain.cpu_mode not in cpu_model.SAME_AS_HOST
    ):
        if domain.cpu_mode == 'custom':
            return check.CannotTell('cpu/@mode is custom, and no cpu/model')
        what = 'no CPU is asked for, so that it gets qemu64'
        return check.Bad(evidence, what)
    return check.Good(evidence)


@question.reads()
def _has_features(case: check.DomainCase) -> check.Outcome:
    beside = _concerns(case.domain)
    if beside is not None:
        return beside
    machines = (case.host, *case.peers)
    unread = next((x for x in machines if x.cpu_flags is None), None)
    if unread is not None:
        return check.why_unknown(unread, 'cpu_flags')
    if case.domain.cpu_model in cpu_model.BASIC:
        return check.NotConcerned('its model is a basic one altogether')
    has = cpu_model.features(case.domain)
    if isinstance(has, str):
        return check.CannotTell(has)
    everywhere = frozenset.intersection(
        *(frozenset(x.cpu_flags or ()) for x in machines)
    )
    fast = {x for x, y in cpu_model.FAST.items() if y in everywhere}
    missing = (
        fast & cpu_model.denied(case.domain) if has is None else fast - has
    )
    evidence = (
        ('cpu/model', question.word(case.domain.cpu_model)),
        ('cpu/feature', cpu_model.policies(case.domain.cpu_features)),
        (_INFO, f'{cpu_model.words(fast)} {_where(case)}'),
    )
    if not missing:
        return check.Good(evidence)
    return check.Bad(
        evidence, f'the guest is not given {cpu_model.words(missing)}'
    )


def _where(case: check.DomainCase) -> str:
    if not case.peers:
        return '(this host)'
    return f'(this host and {len(case.peers)} others)'


@question.reads()
def _can_mitigate(case: check.DomainCase) -> check.Outcome:
    domain, host = case.domain, case.host
    beside = _concerns(domain)
    if beside is not None:
        return beside
    if host.vulnerabilities is None or host.cpu_flags is None:
        return check.why_unknown(host, 'vulnerabilities', 'cpu_flags')
    has = cpu_model.features(domain)
    if isinstance(has, str):
        return check.CannotTell(has)
    evidence = [
        ('cpu/model', question.word(domain.cpu_model)),
        ('cpu/feature', cpu_model.policies(domain.cpu_features)),
    ]
    open_to = []
    for fault, features in _AGAINST.items():
        said = host.vulnerabilities.get(fault, 'Not affected')
        able = {x for x in features if cpu_model.SAFE.get(x) in host.cpu_flags}
        if said.startswith('Not affected') or not able:
            continue
        evidence.append((f'{_FAULTS}/{fault}', said))
        given = features if has is None else has
        if not (set(given) & set(features)) - cpu_model.denied(domain):
            open_to.append(fault)
    if not open_to:
        return check.Good(tuple(evidence))
    what = (
        f'its kernel sees nothing to hold {cpu_model.words(open_to)} off with'
    )
    return check.Bad(tuple(evidence), what)


CHECKS = (
    check.Check(
        id='cpu.basic-model',
        subject='cpu',
        about='domain',
        severity='high',
        title='The guest sees a CPU of twenty years ago',
        reason='qemu64, kvm64 and the like have no AES, no AVX, no PCID and'
        ' nothing against Spectre: encryption, checksums and system calls'
        ' cost several times as much.',
        libvirt="<cpu mode='host-model'/> (or <cpu mode='custom'> with a"
        ' model that all hosts have: virsh hypervisor-cpu-baseline), then'
        ' shut down and start.',
        nova='nova.conf [libvirt] cpu_mode = host-model, or cpu_mode ='
        ' custom with cpu_models; then a hard reboot of the instance.',
        source=_MODELS,
        unless='it has to move between hosts of Intel and AMD; even then a'
        ' newer model that both have is better.',
        look=_is_more_than_basic,
    ),
    check.Check(
        id='cpu.missing-features',
        subject='cpu',
        about='domain',
        severity='medium',
        title='The guest is not given what every host has',
        reason='Programs look for these instructions and take slow ways where'
        ' they are not shown; without pcid each system call on a processor'
        ' with Meltdown empties the TLB.',
        libvirt="A newer <model>, or <feature policy='require' name='...'/>"
        ' for each of them within <cpu>; then shut down and start.',
        nova='nova.conf [libvirt] cpu_models (a newer one at the end of the'
        ' list), or cpu_model_extra_flags = pcid, ...; then a hard reboot.',
        source=_MODELS,
        unless='older hosts that are not compared here must be able to take'
        ' it, or the feature is off on purpose (AVX-512 for its clock).',
        look=_has_features,
    ),
    check.Check(
        id='cpu.hidden-mitigations',
        subject='cpu',
        about='domain',
        severity='high',
        title='The guest cannot protect itself from Spectre',
        reason='The host has the microcode, and the model hides it: the'
        " guest's kernel falls back to what is weaker, or slower, or nothing.",
        libvirt="<feature policy='require' name='spec-ctrl'/> and 'ssbd' on"
        " Intel, 'ibpb' and 'virt-ssbd' or 'amd-ssbd' on AMD, within <cpu>;"
        ' then shut down and start.',
        nova='nova.conf [libvirt] cpu_model_extra_flags = spec-ctrl, ssbd'
        ' (AMD: ibpb, virt-ssbd), or a model that ends in -IBRS or -IBPB.',
        source=_QEMU,
        unless='only programs of one owner run in the guest, with its own'
        ' mitigations off.',
        look=_can_mitigate,
    ),
)
