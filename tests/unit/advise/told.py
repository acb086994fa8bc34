# SPDX-License-Identifier: Apache-2.0
"""What hosts tell of themselves, made for tests of what follows from it."""

from kvm_insight.model import facts, host_config, part, sample

HOSTS = ('h', 'i')
#: 2026-11-28 06:00:00 UTC.
BEGIN_US = 1_795_845_600_000_000
UUID = '81dd7a2e-45ce-41ba-9815-8cab123b4d73'
SWAPPINESS = 'reclaim.swappiness'
EMULATED = 'disk.emulated'


def config(
    time_us: int,
    host: str = 'h',
    swappiness: int = 1,
    bus: str | None = 'virtio',
) -> host_config.HostConfig:
    """Return a host with one domain; nobody is on it without ``bus``."""
    domain = host_config.Domain(
        uuid=UUID,
        name='web',
        identity=sample.Identity(project_id='shop'),
        facts=facts.DomainFacts(
            uuid=UUID,
            name='web',
            disks=[part.DomainDisk(name='vda', bus=bus)],
        ),
    )
    return host_config.HostConfig(
        host=host,
        time_us=time_us,
        agent_id='a',
        cpus='0-3',
        domains=[] if bus is None else [domain],
        facts=facts.HostFacts(
            swappiness=swappiness,
            swap_bytes=2**30,
            swap_free_bytes=2**30,
            memory_bytes=2**34,
        ),
    )
