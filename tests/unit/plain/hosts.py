# SPDX-License-Identifier: Apache-2.0
"""What a few plain hosts tell, for tests."""

import time
from typing import Any

from kvm_insight.bus import port, topic
from kvm_insight.model import (
    cluster,
    codec,
    host_config,
    host_report,
    sample,
)
from kvm_insight.plain import assembly, known, settings

GIB = 1 << 30
NOW_US = 1_790_000_000_000_000
S_US = 1_000_000
RULES = settings.Settings()
CPU = cluster.HostCpu(model='EPYC-Rome', features=['aes', 'avx2'])
OWNER = sample.Identity(
    source='metadata', project_id='shop', project_name='Shop'
)
Told = host_report.HostReport | host_config.HostConfig
OFFERS = ['kvm for x86_64', 'machine type pc-q35-9.1', 'nfs4 nas:/vms on /vms']
DISK = host_config.Storage(
    name='vda', source='/vms/x.qcow2', shared='nfs4 nas:/vms on /vms'
)


def uuid(number: int) -> str:
    return f'{number:08x}-0000-4000-8000-000000000000'


def seen(number: int, **more: Any) -> host_report.Instance:
    """A domain as the analyzer reports it."""
    return host_report.Instance(
        **{
            'uuid': uuid(number),
            'name': f'vm{number}',
            'state': 'running',
            'vcpus': 4,
            'memory_bytes': 8 * GIB,
            'wanted_cores': 2.0,
            **more,
        }
    )


def report(
    host: str, *inside: host_report.Instance, age_s: float = 10, **more: Any
) -> host_report.HostReport:
    return host_report.HostReport(
        **{
            'host': host,
            'time_us': NOW_US - int(age_s * S_US),
            'agent_id': f'{host}-1',
            'sequence': 7,
            'window_s': 120,
            'cpus': 16,
            'memory_bytes': 128 * GIB,
            'instances': list(inside),
            **more,
        }
    )


def built(number: int, **more: Any) -> host_config.Domain:
    """How a domain is built that may go anywhere."""
    return host_config.Domain(
        **{
            'uuid': uuid(number),
            'name': f'vm{number}',
            'identity': OWNER,
            'vcpus': 4,
            'memory_bytes': 8 * GIB,
            'storage': [DISK],
            'needs': ['kvm for x86_64', 'machine type pc-q35-9.1'],
            **more,
        }
    )


def config(
    host: str, *inside: host_config.Domain, age_s: float = 600, **more: Any
) -> host_config.HostConfig:
    return host_config.HostConfig(
        **{
            'host': host,
            'time_us': NOW_US - int(age_s * S_US),
            'agent_id': f'{host}-1',
            'cpus': '0-15',
            'memory_bytes': 128 * GIB,
            'cpu': CPU,
            'hypervisor_version': 9001000,
            'offers': OFFERS,
            'domains': list(inside),
            **more,
        }
    )


def heard(
    *told: Told,
) -> known.Known:
    """All of it, as it comes from the bus."""
    found = known.Known()
    for one in told:
        if isinstance(one, host_report.HostReport):
            found.take_report(one.host, codec.encode(one))
        else:
            found.take_config(one.host, codec.encode(one))
    return found


def tell(
    bus: port.Bus,
    prefix: str,
    host: str,
    *inside: host_report.Instance,
    **how: Any,
) -> None:
    """Put on a bus what a host tells now, and ``how`` it is built."""
    now_us = time.time_ns() // 1000
    told = {
        topic.HOSTS: report(host, *inside, time_us=now_us),
        topic.HOST_CONFIG: config(host, time_us=now_us, **how),
    }
    producer = bus.producer()
    for name, one in told.items():
        producer.publish(prefix + name, host, codec.encode(one))
    producer.flush(20)
    producer.close()


def cluster_of(
    *told: Told,
    rules: settings.Settings = RULES,
) -> cluster.Cluster:
    return assembly.assembled(heard(*told), NOW_US, rules)


def only(whole: cluster.Cluster) -> cluster.Instance:
    (one,) = whole.instances
    return one


def named(whole: cluster.Cluster, name: str) -> cluster.Host:
    (found,) = [one for one in whole.hosts if one.name == name]
    return found
