# SPDX-License-Identifier: Apache-2.0
"""The topics of kvm_insight: names, keys, what is kept."""

from kvm_insight.bus import port

PREFIX = 'kvm-insight.'
SAMPLES = 'samples'
FINDINGS = 'findings'
HOSTS = 'hosts'
STATE = 'state'
DEAD_LETTER = 'dead-letter'

PARTITIONS = 24
_HOUR = 3600


def layout(
    prefix: str = PREFIX,
    *,
    partitions: int = PARTITIONS,
    replication: int = 1,
    samples_hours: int = 24,
) -> list[port.Topic]:
    """Return the topics that the services of this version use.

    ``samples`` and ``state`` must have the same number of partitions, so that
    who owns a host's samples owns its state.
    """
    return [
        port.Topic(
            prefix + SAMPLES,
            partitions,
            replication,
            samples_hours * _HOUR,
        ),
        port.Topic(prefix + FINDINGS, partitions, replication, compacted=True),
        port.Topic(prefix + STATE, partitions, replication, compacted=True),
        port.Topic(prefix + DEAD_LETTER, 1, replication, 7 * 24 * _HOUR),
    ]
