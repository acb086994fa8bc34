# SPDX-License-Identifier: Apache-2.0
"""The sockets, cores and threads that a guest is shown."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import guest, placing, question
from kvm_insight.model import cpulist

_SIBLINGS = '/sys/devices/system/cpu/cpu*/topology/thread_siblings_list'
_TOPOLOGY = 'https://docs.openstack.org/nova/latest/admin/cpu-topologies.html'
#: What Windows uses at most: editions for desktops, for servers.
_OF_DESKTOP = 2
_OF_SERVER = 64


@question.needs('vcpus')
@question.reads('topology')
def _can_use_sockets(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    topology = domain.topology or {}
    # Without a word each vCPU is a socket of its own.
    sockets = topology.get('sockets', domain.vcpus or 1)
    said = str(sockets) if topology else f'absent: {sockets}'
    evidence = (('cpu/topology/@sockets', said), *guest.told(domain))
    if sockets <= _OF_DESKTOP:
        return check.Good(evidence)
    is_windows = guest.is_windows(domain)
    if is_windows is None:
        return check.CannotTell('nothing says which system is in it')
    if not is_windows:
        return check.NotConcerned('no Windows is in it')
    is_server = guest.is_server(domain)
    if is_server is None and sockets <= _OF_SERVER:
        return check.CannotTell('which edition of Windows is not said')
    most = _OF_SERVER if is_server else _OF_DESKTOP
    if sockets <= most:
        return check.Good(evidence)
    what = f'Windows uses {most} of {sockets} sockets, and no more vCPUs'
    return check.Bad(evidence, what)


@question.reads('topology', 'pins')
def _has_true_threads(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    threads = (domain.topology or {}).get('threads', 1)
    evidence = (
        ('cpu/topology/@threads', str(threads)),
        ('cputune/vcpupin', f'{len(placing.dedicated(domain))} to one CPU'),
    )
    if threads == 1:
        return check.Good(evidence)
    if domain.vcpus is None:
        return check.CannotTell('vcpus: not in its XML')
    if len(placing.dedicated(domain)) >= domain.vcpus:
        return check.Good(evidence)
    what = 'pairs of its vCPUs are shown as one core, and are none'
    return check.Bad(evidence, what)


@question.needs('vcpus')
@question.reads('topology', 'pins')
def _shows_threads(case: check.DomainCase) -> check.Outcome:
    domain = case.domain
    own = placing.dedicated(domain)
    if len(own) < max(2, domain.vcpus or 0):
        return check.NotConcerned('not all of its vCPUs have a CPU each')
    cores = placing.cores(case.host)
    if cores is None:
        return check.why_unknown(case.host, 'cores')
    paired = [x for x in cores if len(x & set(own.values())) > 1]
    threads = (domain.topology or {}).get('threads', 1)
    evidence = (
        ('cpu/topology/@threads', str(threads)),
        ('cputune/vcpupin', cpulist.render(own.values())),
        (_SIBLINGS, f'{len(paired)} cores of which it has several CPUs'),
    )
    if threads > 1 or not paired:
        return check.Good(evidence)
    what = f'CPUs {cpulist.render(paired[0])} are one core, shown as two'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='topology.sockets',
        subject='topology',
        about='domain',
        severity='high',
        title='Windows leaves vCPUs unused for their sockets',
        reason='Licences count sockets: editions for desktops use two,'
        ' whatever else is there; a vCPU is a socket where nothing is said.',
        libvirt="<topology sockets='1' dies='1' cores='N' threads='1'/>"
        ' within <cpu>, then shut down and start.',
        nova='Flavor hw:cpu_max_sockets=1 (or hw:cpu_sockets), image property'
        ' hw_cpu_max_sockets=1; then resize or rebuild.',
        source=_TOPOLOGY,
        unless='the licence of this edition allows more.',
        look=_can_use_sockets,
    ),
    check.Check(
        id='topology.threads',
        subject='topology',
        about='domain',
        severity='low',
        title='A guest is shown threads although its vCPUs float',
        reason="The guest's scheduler keeps work off the second thread of a"
        ' core, though both are full CPUs most of the time; tools that count'
        ' cores for licences are wrong, too.',
        libvirt="threads='1' in <topology>, with more cores; or pin each pair"
        ' to the two threads of one core (<vcpupin>).',
        nova='Flavor hw:cpu_threads=1 (or hw:cpu_max_threads=1); with'
        ' hw:cpu_policy=dedicated Nova shows the threads as they are.',
        source=_TOPOLOGY,
        unless='a licence is by core, and its terms allow it.',
        look=_has_true_threads,
    ),
    check.Check(
        id='topology.hidden-threads',
        subject='topology',
        about='domain',
        severity='medium',
        title='Pinned to threads of one core, and the guest does not know',
        reason="The guest's scheduler puts two busy programs on one core"
        ' while another core of its own is idle.',
        libvirt="<topology sockets='1' dies='1' cores='N' threads='2'/>"
        ' within <cpu>, vCPUs 0 and 1 pinned to one core, 2 and 3 to the'
        " next; on AMD <feature policy='require' name='topoext'/>, too.",
        nova='Flavor hw:cpu_policy=dedicated with hw:cpu_thread_policy=prefer'
        ' or require: Nova shows the threads; no hw:cpu_threads=1 then.',
        source=_TOPOLOGY,
        unless='it is migrated by hand to hosts without SMT.',
        look=_shows_threads,
    ),
)
