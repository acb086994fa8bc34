# SPDX-License-Identifier: Apache-2.0
"""Config: how simulated hosts are built, as agents of plain hosts tell it."""

from kvm_insight.model import cluster, cpulist, host_config, sample
from kvm_insight.simulate import plan, stage

_VERSION = 9_001_000
_KINDS = ['kvm for x86_64', 'machine type pc-q35-9.1', 'network device br0']
_SHARE = 'nfs4 nas:/vms on /vms'


def of(scene: stage.Scene, at_s: float) -> host_config.HostConfig:
    """Return what its agent would tell at that time; all hosts are alike."""
    host = scene.host
    return host_config.HostConfig(
        host=host.name,
        time_us=scene.agent.begin_us + round(at_s * 1e6),
        agent_id=f'{host.name}-0',
        cpus=cpulist.render(range(host.cpus)),
        memory_bytes=host.memory_bytes,
        cpu=cluster.HostCpu(model='EPYC', features=['aes', 'avx2']),
        hypervisor_version=_VERSION,
        libvirt_version=_VERSION,
        offers=[*_KINDS, _SHARE],
        domains=[
            _domain(one)
            for one in host.guests
            if one.starts_s <= at_s < one.ends_s
        ],
    )


def _domain(guest: plan.Guest) -> host_config.Domain:
    return host_config.Domain(
        uuid=guest.uuid,
        name=guest.name,
        identity=sample.Identity(
            source='metadata',
            instance_name=guest.name,
            project_id=guest.project,
            project_name=guest.project,
        ),
        vcpus=guest.vcpus,
        memory_bytes=guest.memory_bytes,
        cpu_mode='custom',
        storage=[
            host_config.Storage(
                name='vda', source=f'/vms/{guest.uuid}.qcow2', shared=_SHARE
            )
        ],
        needs=_KINDS,
    )
