# SPDX-License-Identifier: Apache-2.0
"""Where a domain's memory really lies, against where its vCPUs may run."""

from kvm_insight.advise import check
from kvm_insight.advise.domain import placing, question
from kvm_insight.model import facts

_REAL = 'memory.numa_stat of its cgroup'
_TOPOLOGY = 'https://docs.openstack.org/nova/latest/admin/cpu-topologies.html'
_TUNING = 'https://libvirt.org/formatdomain.html#numa-node-tuning'
#: What lies elsewhere by chance; pages of QEMU and of libraries do.
_FEW = 0.10
#: Host and other guests need some of a node, too.
_FITS = 0.9


def _nodes(case: check.DomainCase) -> check.Outcome | None:
    """Return the answer where there is nothing to judge, else None."""
    nodes = case.host.nodes
    if nodes is None:
        return check.why_unknown(case.host, 'nodes')
    if len(nodes) < 2:
        return check.NotConcerned('the host has one NUMA node')
    if any(placing.parsed(x.cpus) is None for x in nodes):
        return check.CannotTell('/sys/devices/system/node: no lists of CPUs')
    return None


def _spread(domain: facts.DomainFacts) -> dict[int, int] | None:
    """Return node -> bytes as they lie; None where not known."""
    found = domain.node_bytes
    if not found or not all(name.isdecimal() for name in found):
        return None
    spread = {int(name): size for name, size in found.items()}
    return spread if sum(spread.values()) else None


def _words(spread: dict[int, int]) -> str:
    whole = sum(spread.values())
    return ', '.join(
        f'node {node} {size / whole:.0%}'
        for node, size in sorted(spread.items())
    )


def _may_run(case: check.DomainCase) -> set[int]:
    """Return the nodes of which it may use a CPU."""
    nodes = placing.nodes(case.host)
    every: placing.Cpus = frozenset().union(*nodes.values())
    cpus = placing.allowed(case.domain, every)
    return {node for node, own in nodes.items() if own & cpus}


@question.reads('cpuset', 'pins', 'numa_nodes')
def _is_near(case: check.DomainCase) -> check.Outcome:
    beside = _nodes(case)
    if beside is not None:
        return beside
    domain = case.domain
    spread = _spread(domain)
    if spread is None:
        why = domain.unknown.get('node_bytes', 'not read')
        return check.CannotTell(f'node_bytes: {why}')
    near = _may_run(case)
    far = sum(x for node, x in spread.items() if node not in near)
    evidence = (
        ('vcpu/@cpuset, cputune/vcpupin', f'nodes {sorted(near)}'),
        ('numatune/memory/@nodeset', question.word(domain.numa_nodes)),
        (_REAL, _words(spread)),
    )
    ratio = far / sum(spread.values())
    if ratio <= _FEW:
        return check.Good(evidence)
    what = f'{ratio:.0%} of its memory is on nodes where it never runs'
    return check.Bad(evidence, what)


@question.needs('vcpus_current', 'memory_bytes')
@question.reads('cpuset', 'pins', 'cells')
def _is_together(case: check.DomainCase) -> check.Outcome:
    beside = _nodes(case)
    if beside is not None:
        return beside
    domain = case.domain
    if domain.cells:
        return check.NotConcerned('it has NUMA nodes of its own')
    if not _fits(case):
        return check.NotConcerned('it is larger than a node')
    spread = _spread(domain)
    if spread is None:
        why = domain.unknown.get('node_bytes', 'not read')
        return check.CannotTell(f'node_bytes: {why}')
    apart = 1 - max(spread.values()) / sum(spread.values())
    evidence = (
        ('vcpu', str(domain.vcpus_current)),
        ('memory', f'{(domain.memory_bytes or 0) >> 20} MiB'),
        (_REAL, _words(spread)),
    )
    if apart <= _FEW:
        return check.Good(evidence)
    what = f'it would fit into one node, and {apart:.0%} lies on others'
    return check.Bad(evidence, what)


def _fits(case: check.DomainCase) -> bool:
    """Say whether one node could hold it, whatever else is there."""
    domain = case.domain
    cpus = placing.nodes(case.host)
    return any(
        len(cpus[one.number]) >= (domain.vcpus_current or 0)
        and (one.memory_bytes or 0) * _FITS >= (domain.memory_bytes or 0)
        for one in case.host.nodes or ()
    )


@question.needs('vcpus_current', 'memory_bytes')
@question.reads('cells')
def _knows_its_nodes(case: check.DomainCase) -> check.Outcome:
    beside = _nodes(case)
    if beside is not None:
        return beside
    domain = case.domain
    if any(x.memory_bytes is None for x in case.host.nodes or ()):
        return check.CannotTell('/sys/devices/system/node/node*/meminfo')
    evidence = (
        ('vcpu', str(domain.vcpus_current)),
        ('memory', f'{(domain.memory_bytes or 0) >> 20} MiB'),
        ('cpu/numa/cell', str(len(domain.cells) or 'absent')),
        ('/sys/devices/system/node', f'{len(case.host.nodes or ())} nodes'),
    )
    if _fits(case) or len(domain.cells) > 1:
        return check.Good(evidence)
    what = 'it is larger than a node of the host, and sees one'
    return check.Bad(evidence, what)


CHECKS = (
    check.Check(
        id='placement.remote',
        subject='placement',
        about='domain',
        severity='high',
        title='Its memory lies on nodes where its vCPUs may not run',
        reason='Every miss of its caches goes over the link between sockets,'
        ' for good: nothing moves that memory while the vCPUs are kept away.',
        libvirt='migratepages PID FROM TO moves it at once; <numatune>'
        "<memory mode='strict' nodeset='N'/></numatune> with the node of"
        ' <vcpupin> or cpuset keeps it there.',
        nova='Flavor hw:numa_nodes=1, with which Nova binds vCPUs and memory'
        ' to one node; then resize or migrate cold.',
        source=_TUNING,
        unless='the node of its CPUs has no memory free: move other guests'
        ' away first.',
        look=_is_near,
    ),
    check.Check(
        id='placement.scattered',
        subject='placement',
        about='domain',
        severity='medium',
        title='Its memory is scattered although one node could hold it',
        reason='A part of its misses goes over the link between sockets,'
        ' and what it loses changes from boot to boot.',
        libvirt="<numatune><memory mode='preferred' nodeset='N'/></numatune>"
        " and <vcpu cpuset='CPUS OF N'>; or sysctl kernel.numa_balancing=1.",
        nova='Flavor hw:numa_nodes=1 (image property hw_numa_nodes=1); then'
        ' resize or migrate cold.',
        source=_TOPOLOGY,
        unless='nodes are so full that strict placement would refuse guests,'
        ' or automatic balancing is still at work.',
        look=_is_together,
    ),
    check.Check(
        id='placement.hidden-nodes',
        subject='placement',
        about='domain',
        severity='medium',
        title='A guest larger than a node does not see that there are nodes',
        reason='Its kernel takes any memory for any CPU, as if all were'
        ' equally near, and cannot keep programs with their memory.',
        libvirt='<numa><cell id=.. cpus=.. memory=../> ...</numa> within'
        ' <cpu>, one for each node, with <numatune><memnode cellid=..'
        ' nodeset=../>; then shut down and start.',
        nova='Flavor hw:numa_nodes=2 (as many as it needs); then resize.',
        source=_TOPOLOGY,
        unless='what runs in it knows nothing of NUMA and keeps to few CPUs,'
        ' or it must be live-migrated by a Nova before 20.',
        look=_knows_its_nodes,
    ),
)
