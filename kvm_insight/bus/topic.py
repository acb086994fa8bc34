# SPDX-License-Identifier: Apache-2.0
"""The topics of kvm_insight: names, keys, what is kept."""

from kvm_insight.bus import port

PREFIX = 'kvm-insight.'
SAMPLES = 'samples'
FINDINGS = 'findings'
HOSTS = 'hosts'
HOST_CONFIG = 'host-config'
ADVICE = 'advice'
USAGE = 'usage'
STATE = 'state'
INVENTORY = 'inventory'
RECOMMENDATIONS = 'recommendations'
CONTROL = 'control'
NOTICES = 'notices'
PLAN_LEASE = 'plan-lease'
DEAD_LETTER = 'dead-letter'

PARTITIONS = 24
_HOUR = 3600
_DAY = 24 * _HOUR


def layout(
    prefix: str = PREFIX,
    *,
    partitions: int = PARTITIONS,
    replication: int = 1,
    samples_hours: int = 24,
) -> list[port.Topic]:
    """Return the topics that the services of this version use.

    ``samples`` and ``state`` must have the same number of partitions, so that
    who owns a host's samples owns its state; ``host-config`` and ``advice``
    likewise.
    """
    return [
        port.Topic(
            prefix + SAMPLES,
            partitions,
            replication,
            samples_hours * _HOUR,
        ),
        *(
            port.Topic(prefix + name, partitions, replication, compacted=True)
            for name in (FINDINGS, HOSTS, HOST_CONFIG, ADVICE, STATE)
        ),
        port.Topic(prefix + USAGE, partitions, replication, 15 * _DAY),
        *(
            port.Topic(prefix + name, 1, replication, compacted=True)
            for name in (INVENTORY, RECOMMENDATIONS, CONTROL)
        ),
        port.Topic(prefix + NOTICES, 1, replication, 7 * _DAY),
        # Nothing is ever written here: who owns its partition plans.
        port.Topic(prefix + PLAN_LEASE, 1, replication, _HOUR),
        port.Topic(prefix + DEAD_LETTER, 1, replication, 7 * _DAY),
    ]
