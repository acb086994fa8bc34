# SPDX-License-Identifier: Apache-2.0
"""What a fleet writes, told before topics are made; values in, values out."""

import dataclasses

from kvm_insight import exception
from kvm_insight.bus import port, topic

#: A record with 30 domains takes 13.5 kB after zstd.
_HOST_BYTES = 600
_DOMAIN_BYTES = 430
_DAY_S = 24 * 3600


@dataclasses.dataclass(frozen=True, slots=True)
class Fleet:
    """What is watched, how often, and how long samples are kept."""

    hosts: int
    interval_s: float = 10.0
    domains: int = 30
    days: float = 1.0
    partitions: int = topic.PARTITIONS
    replication: int = 1
    prefix: str = topic.PREFIX


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What that comes to."""

    fleet: Fleet
    samples_per_s: float
    bytes_per_day: int
    #: On all brokers together, replicas included.
    kept_bytes: int
    topics: list[port.Topic]

    def lines(self) -> list[str]:
        """Return the plan as an operator reads it."""
        fleet = self.fleet
        return [
            f'{fleet.hosts} hosts of {fleet.domains} domains, a sample each '
            f'{fleet.interval_s:g} s:',
            f'  {self.samples_per_s:.1f} samples/s, '
            f'{_bytes(self.bytes_per_day)} a day before replication',
            f'  {_bytes(self.kept_bytes)} on the brokers when kept for '
            f'{fleet.days:g} days in {fleet.replication} replicas',
            'topics:',
            *(f'  {_topic_line(one)}' for one in self.topics),
            'The number of partitions is fixed for good, since a host must '
            'stay in its partition; it bounds the number of analyzers.',
        ]


def plan(fleet: Fleet) -> Plan:
    """Return what the fleet writes, and the topics for it."""
    samples_per_s = fleet.hosts / fleet.interval_s
    record_bytes = _HOST_BYTES + _DOMAIN_BYTES * fleet.domains
    bytes_per_day = int(samples_per_s * _DAY_S * record_bytes)
    return Plan(
        fleet=fleet,
        samples_per_s=samples_per_s,
        bytes_per_day=bytes_per_day,
        kept_bytes=int(bytes_per_day * fleet.days * fleet.replication),
        topics=topic.layout(
            fleet.prefix,
            partitions=fleet.partitions,
            replication=fleet.replication,
            samples_hours=max(1, round(fleet.days * 24)),
        ),
    )


def missing(
    wanted: list[port.Topic], there: dict[str, int]
) -> list[port.Topic]:
    """Return those to create; raise ConfigError if one cannot be changed."""
    for one in wanted:
        count = there.get(one.name, one.partitions)
        if count != one.partitions:
            raise exception.ConfigError(
                f'--partitions {one.partitions}: topic {one.name} has '
                f'{count} partitions, and that is fixed for good; use '
                f'--partitions {count}, or another [bus] topic_prefix'
            )
    return [one for one in wanted if one.name not in there]


def _topic_line(one: port.Topic) -> str:
    if one.compacted:
        kept = 'the newest of each key'
    elif one.retention_s is None:
        kept = 'for ever'
    else:
        kept = f'{one.retention_s / 3600:g} hours'
    return (
        f'{one.name}: {one.partitions} partitions, {one.replication} '
        f'replicas, keeps {kept}'
    )


def _bytes(count: float) -> str:
    for unit in ('B', 'kB', 'MB', 'GB'):
        if count < 1000:
            return f'{count:.3g} {unit}'
        count /= 1000
    return f'{count:.3g} TB'
