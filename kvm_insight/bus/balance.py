# SPDX-License-Identifier: Apache-2.0
"""Share partitions among the members of a group; values in, values out."""

from collections.abc import Collection, Mapping

from kvm_insight.bus import port


def assign(
    partitions: Collection[port.Partition],
    members: Mapping[str, Collection[str]],
    owners: Mapping[port.Partition, str],
) -> dict[port.Partition, str]:
    """Return partition -> member; even within each topic, and sticky.

    ``members``: member -> the topics it wants. An owner keeps what it has as
    long as no other member has two partitions less.
    """
    target: dict[port.Partition, str] = {}
    for topic in sorted({partition.topic for partition in partitions}):
        parts = sorted(p for p in partitions if p.topic == topic)
        willing = sorted(m for m, wanted in members.items() if topic in wanted)
        if willing:
            target.update(_assign_topic(parts, willing, owners))
    return target


def _assign_topic(
    partitions: list[port.Partition],
    members: list[str],
    owners: Mapping[port.Partition, str],
) -> dict[port.Partition, str]:
    held: dict[str, list[port.Partition]] = {member: [] for member in members}
    free: list[port.Partition] = []
    for partition in partitions:
        owner = owners.get(partition, '')
        held.get(owner, free).append(partition)
    for partition in free:
        held[min(members, key=lambda m: len(held[m]))].append(partition)
    while True:
        least = min(members, key=lambda m: len(held[m]))
        most = max(members, key=lambda m: len(held[m]))
        if len(held[most]) - len(held[least]) < 2:
            break
        held[least].append(held[most].pop())
    return {p: member for member, parts in held.items() for p in parts}
