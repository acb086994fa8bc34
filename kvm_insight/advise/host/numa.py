# SPDX-License-Identifier: Apache-2.0
"""NUMA nodes of the host: balancing, and how their memory is spread."""

from kvm_insight.advise import check
from kvm_insight.model import facts, part

_NODES = '/sys/devices/system/node'
_BALANCING = '/proc/sys/kernel/numa_balancing'
_SYSCTL = 'https://docs.kernel.org/admin-guide/sysctl/kernel.html'
_TOPOLOGY = 'https://docs.openstack.org/nova/latest/admin/cpu-topologies.html'
#: A node with less than this of its memory free takes from others.
_SHORT = 0.02
_AMPLE = 0.20
_NORMAL = 1
#: Modes of numatune by which memory stays where the guest was put.
_BINDING = (None, 'strict', 'restrictive')


def _is_balanced(case: check.HostCase) -> check.Outcome:
    host = case.host
    if host.nodes is None or host.numa_balancing is None:
        return check.why_unknown(host, 'nodes', 'numa_balancing')
    if len(host.nodes) < 2:
        return check.NotConcerned('there is one NUMA node')
    evidence = (
        (_BALANCING, str(host.numa_balancing)),
        (_NODES, f'{len(host.nodes)} nodes'),
    )
    floating = [one.name for one in case.domains if not _is_bound(one)]
    # The second bit alone moves between tiers of memory, not between nodes.
    if host.numa_balancing & _NORMAL:
        return check.Good(evidence)
    if 'numad' in (host.daemons or ()):
        return check.Good((*evidence, ('numad', 'runs')))
    if case.domains and not floating:
        return check.Good((*evidence, ('numatune', 'in each domain')))
    if not case.domains and _is_dedicated(host):
        return check.NotConcerned('its CPUs are for guests that are bound')
    what = 'nothing brings memory of floating guests to where they run'
    return check.Bad(evidence, what)


def _is_bound(one: facts.DomainFacts) -> bool:
    return one.numa_nodes is not None and one.numa_mode in _BINDING


def _is_dedicated(host: facts.HostFacts) -> bool:
    """Say whether the host is set up for guests that do not float."""
    profile = host.tuned_profile or ''
    nova = host.nova_options or {}
    alone = (
        'compute.cpu_dedicated_set' in nova
        and 'compute.cpu_shared_set' not in nova
    )
    return alone or profile.startswith(('cpu-partitioning', 'realtime'))


def _is_even(case: check.HostCase) -> check.Outcome:
    nodes = case.host.nodes
    if nodes is None:
        return check.why_unknown(case.host, 'nodes')
    if len(nodes) < 2:
        return check.NotConcerned('there is one NUMA node')
    shares = {one.number: _free_ratio(one) for one in nodes}
    if None in shares.values():
        return check.CannotTell(f'{_NODES}/node*/meminfo cannot be read')
    evidence = tuple(
        (
            f'{_NODES}/node{number}/meminfo: MemFree and cached files',
            f'{share or 0:.0%}',
        )
        for number, share in shares.items()
    )
    known = {number: share or 0.0 for number, share in shares.items()}
    least = min(known, key=lambda number: known[number])
    if known[least] < _SHORT and max(known.values()) > _AMPLE:
        what = f'node {least} is full while another has much free'
        return check.Bad(evidence, what)
    return check.Good(evidence)


def _free_ratio(node: part.Node) -> float | None:
    if not node.memory_bytes:
        # CPUs without memory of their own; another check's matter.
        return None if node.memory_bytes is None else 1.0
    if node.free_bytes is None:
        return None
    return (node.free_bytes + (node.cached_bytes or 0)) / node.memory_bytes


def _is_populated(case: check.HostCase) -> check.Outcome:
    nodes = case.host.nodes
    if not nodes:
        return check.why_unknown(case.host, 'nodes')
    if any(one.memory_bytes is None for one in nodes):
        return check.CannotTell(f'{_NODES}/node*/meminfo cannot be read')
    evidence = tuple(
        (
            f'{_NODES}/node{one.number}',
            f'CPUs {one.cpus or "none"}, {(one.memory_bytes or 0) >> 20} MiB',
        )
        for one in nodes
    )
    bare = [x.number for x in nodes if x.cpus and not x.memory_bytes]
    if not bare:
        return check.Good(evidence)
    what = f'CPUs of node {bare[0]} have no memory of their own'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='numa.balancing',
        subject='numa',
        about='host',
        severity='medium',
        title='Automatic NUMA balancing is off',
        reason='vCPUs that float move to another node, and their memory stays'
        ' behind: each miss of a cache then goes over the link.',
        libvirt='sysctl kernel.numa_balancing=1, and a file in /etc/sysctl.d.',
        nova='The same on the compute host; or bind instances to a node with'
        ' hw:numa_nodes=1 in the flavor.',
        source=_SYSCTL,
        unless='all guests here are bound to nodes, or work in real time.',
        look=_is_balanced,
    ),
    check.Check(
        id='numa.uneven',
        subject='numa',
        about='host',
        severity='medium',
        title='One NUMA node is full while another has much free',
        reason='What starts or grows there gets memory of the other node; the'
        ' kernel may even swap within the full one.',
        libvirt='Move guests that are bound there: virsh numatune DOMAIN'
        ' --nodeset N --live (mode strict or restrictive alone; with cgroup v2'
        ' their memory follows), or migrate and return.',
        nova='hw:numa_nodes in flavors, so that Nova spreads them; nova.conf'
        ' [compute] packing_host_numa_cells_allocation_strategy = False.',
        source=_TOPOLOGY,
        unless='huge pages are reserved there on purpose, for guests that are'
        ' bound to it.',
        look=_is_even,
    ),
    check.Check(
        id='numa.node-empty',
        subject='numa',
        about='host',
        severity='high',
        title='A NUMA node has CPUs and no memory',
        reason='All that runs on those CPUs has its memory elsewhere, always.',
        libvirt='Put memory modules into the slots of that socket, or change'
        ' "NUMA nodes per socket" (NPS, SNC) in the firmware.',
        nova='The same on the compute host; until then keep those CPUs out of'
        ' nova.conf [compute] cpu_shared_set and cpu_dedicated_set.',
        source=_TOPOLOGY,
        unless='the node is a device (CXL, GPU) that is no place for guests.',
        look=_is_populated,
    ),
)
