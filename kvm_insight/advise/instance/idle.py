# SPDX-License-Identifier: Apache-2.0
"""Whether an instance does anything at all.

By the rule of Google's idle VMs: hardly a core for 97 % of the time, and
hardly any traffic. A guest's own timers cost more with more vCPUs, which that
rule leaves out. Seven days are looked at, since much is done once a week.
"""

from kvm_insight.advise import check
from kvm_insight.model import sizing, usage

LEAST_S = 7 * 86_400.0
_PART = 0.97
_CORES = 0.03
_CORES_A_VCPU = 0.01
_RX_BYTES_S = 2_000
_TX_BYTES_S = 1_000
SOURCE = (
    'https://cloud.google.com/compute/docs/instances'
    '/viewing-and-applying-idle-vm-recommendations'
)


def limit_cores(vcpus: int) -> float:
    """Return the cores that a guest takes which does nothing."""
    return max(_CORES, _CORES_A_VCPU * vcpus)


def is_used(case: check.InstanceCase) -> check.Outcome:
    """Return whether it does anything."""
    one = case.instance
    if one.gone:
        return check.NotConcerned('it is gone')
    sized = one.sized
    if sized is None or not sized.histogram or not sized.vcpus:
        return check.CannotTell('not measured')
    why = sizing.too_little(sized.measured_us, LEAST_S) or sizing.sparse(
        one.coverage, case.rule
    )
    if why:
        return check.CannotTell(why)
    cores = usage.quantile(sized.histogram, _PART) or 0.0
    limit = limit_cores(sized.vcpus)
    evidence: check.Evidence = (
        ('usage: p97 of wanted cores', f'{cores:.3f}, idle up to {limit:g}'),
        ('usage: measured', f'{sized.measured_us / 3.6e9:.0f} h'),
    )
    if cores > limit:
        return check.Good(evidence)
    if one.network is None or not one.network.measured_us:
        return check.CannotTell(
            'it has little work, but its traffic was not measured: it may'
            ' serve others'
        )
    return _by_traffic(case, one.network, sized, evidence)


def _by_traffic(
    case: check.InstanceCase,
    network: usage.Network,
    sized: sizing.Sized,
    evidence: check.Evidence,
) -> check.Outcome:
    seconds = network.measured_us / 1e6
    received, sent = network.rx_bytes / seconds, network.tx_bytes / seconds
    evidence = (
        *evidence,
        ('usage: received', f'{received:.0f} B/s, idle up to {_RX_BYTES_S}'),
        ('usage: sent', f'{sent:.0f} B/s, idle up to {_TX_BYTES_S}'),
    )
    if received > _RX_BYTES_S or sent > _TX_BYTES_S:
        return check.Good(evidence)
    return check.Bad(
        evidence,
        f'did nothing: {usage.quantile(sized.histogram, _PART):.2f} cores'
        f' were enough for 97 % of {sized.measured_us / 8.64e10:.0f} days,'
        ' with hardly any traffic',
        check.Saving(
            vcpus=sized.vcpus,
            memory_bytes=case.instance.memory_bytes or 0,
            core_s=sized.vcpus * case.instance.known_us / 1e6,
        ),
    )


CHECKS = (
    check.Check(
        id='sizing.idle',
        subject='sizing',
        about='instance',
        severity='medium',
        title='An instance runs and does nothing',
        reason='Its vCPUs and memory are reserved for nobody, and its memory'
        ' is in use on the host as well.',
        libvirt='Ask who owns it; virsh shutdown DOMAIN, and later virsh'
        ' undefine. virsh managedsave DOMAIN keeps what it is at.',
        nova='Ask who owns it; openstack server shelve SERVER gives back its'
        ' vCPUs and memory and keeps its disk. A stopped server keeps what'
        ' it has reserved.',
        source=SOURCE,
        unless='it stands by for another one, or works once a month or less.',
        look=is_used,
    ),
)
