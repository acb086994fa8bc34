# SPDX-License-Identifier: Apache-2.0
"""Network ports of a domain: how packets get to the host."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import guest, question
from kvm_insight.model import facts, part

#: Those whose back end is a tap device, so that vhost can serve it.
_TAP = ('bridge', 'network', 'direct', 'ethernet')
#: Those that are hardware of the host, or a model of the switch's own.
_GIVEN = ('hostdev', 'vdpa')
_VIRTIO = ('virtio', 'virtio-transitional', 'virtio-non-transitional')
_SLOW = ('user', 'server', 'client', 'mcast', 'udp')
#: From here on one vCPU should not take all packets of a busy port.
_MANY_VCPUS = 4


def _node(one: part.DomainNic, what: str) -> str:
    return f"devices/interface[target/@dev='{one.name}']/{what}"


def _names(nics: list[part.DomainNic]) -> str:
    return ', '.join(one.name for one in nics)


def _virtio(domain: facts.DomainFacts) -> list[part.DomainNic]:
    return [
        one
        for one in domain.nics
        if one.model in _VIRTIO and one.kind in (*_TAP, 'vhostuser')
    ]


@question.reads('nics')
def _is_virtio(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    nics = [one for one in domain.nics if one.kind not in _GIVEN]
    if not nics:
        return check.NotConcerned('it has no port, or hardware alone')
    silent = [one.name for one in nics if one.model is None]
    if silent and guest.is_x86(domain) is not True:
        # On x86 libvirt takes rtl8139, elsewhere what suits the machine.
        return check.CannotTell(f'interface {silent[0]}: no model is said')
    evidence = tuple(
        (_node(one, 'model/@type'), one.model or 'absent: rtl8139')
        for one in nics
    )
    emulated = [one for one in nics if one.model not in _VIRTIO]
    if not emulated:
        return check.Good(evidence)
    return check.Bad(evidence, f'{_names(emulated)} is emulated hardware')


@question.reads('nics')
def _is_in_kernel(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    nics = [
        x
        for x in domain.nics
        if x.kind in _SLOW or (x.kind in _TAP and x.model in _VIRTIO)
    ]
    if not nics:
        return check.NotConcerned('it has no virtio port on a tap device')
    if domain.kind not in ('kvm', 'qemu'):
        return check.CannotTell('its XML says no domain/@type')
    evidence = tuple(
        (_node(x, 'driver/@name'), f'{question.word(x.driver)}, {x.kind}')
        for x in nics
    )
    slow = [x for x in nics if x.kind in _SLOW or x.driver == 'qemu']
    if slow:
        what = f'packets of {_names(slow)} go through a process'
        return check.Bad(evidence, what)
    if all(x.driver == 'vhost' for x in nics):
        return check.Good(evidence)
    modules = case.host.modules
    if modules is None:
        return check.why_unknown(case.host, 'modules')
    if 'vhost_net' not in modules:
        # It may be loaded as it is opened; the host's own check asks that.
        return check.CannotTell('/sys/module/vhost_net: not loaded')
    return check.Good((*evidence, ('/sys/module/vhost_net', 'loaded')))


@question.reads('nics')
def _has_queues(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    nics = _virtio(domain)
    if not nics:
        return check.NotConcerned('it has no virtio port on a tap device')
    vcpus = domain.vcpus_current
    if vcpus is None:
        return check.CannotTell('vcpus: not in its XML')
    if vcpus < _MANY_VCPUS:
        return check.NotConcerned(f'{vcpus} vCPUs are served by one queue')
    evidence = tuple(
        (_node(one, 'driver/@queues'), question.word(one.queues))
        for one in nics
    )
    narrow = [one for one in nics if one.queues in (None, 1)]
    if not narrow:
        return check.Good(evidence)
    what = f'one of {vcpus} vCPUs takes all packets of {_names(narrow)}'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='nic.emulated',
        subject='nic',
        about='domain',
        severity='high',
        title='A port is emulated hardware',
        reason='For each packet the guest writes to registers that QEMU'
        ' emulates, and leaves its vCPU each time; vhost cannot serve it.',
        libvirt="<model type='virtio'/> of the interface, after the guest has"
        ' the driver (virtio_net, on Windows NetKVM); then shut down and'
        ' start.',
        nova='Image property hw_vif_model=virtio, then rebuild, or detach the'
        ' port and attach it again.',
        source=question.DOMAIN_FORMAT,
        unless='the guest has no virtio driver, as an appliance that knows'
        ' e1000 alone.',
        look=_is_virtio,
    ),
    check.Check(
        id='nic.user-space',
        subject='nic',
        about='domain',
        severity='medium',
        title="A port's packets go through a process instead of vhost",
        reason='Each packet wakes QEMU and is copied by its main thread, which'
        ' disks and timers wait for, too.',
        libvirt="No <driver name='qemu'/>; an interface of type bridge,"
        ' network or direct instead of user; then shut down and start.',
        nova='nova.conf [libvirt] use_virtio_for_bridges = True, vhost_net'
        ' loaded on the compute host; then a hard reboot.',
        source=question.DOMAIN_FORMAT,
        unless='QEMU itself must see the packets (filter-dump, slirp in'
        ' tests).',
        look=_is_in_kernel,
    ),
    check.Check(
        id='nic.one-queue',
        subject='nic',
        about='domain',
        severity='low',
        title='Many vCPUs share one queue of a port',
        reason='One vCPU takes all packets, and one thread of vhost passes'
        ' them on: about one core of throughput, whatever the size.',
        libvirt="<driver name='vhost' queues='N'/> of the interface, N at"
        ' most the vCPUs; then shut down and start (old guests: ethtool -L).',
        nova='Flavor hw:vif_multiqueue_enabled=true or image property'
        ' hw_vif_multiqueue_enabled=true (nova.conf [libvirt] max_queues'
        ' bounds it); then a hard reboot.',
        source=question.EXTRA_SPECS,
        unless='it sends and receives little: each queue is a thread and'
        ' memory on the host.',
        look=_has_queues,
    ),
)
