# SPDX-License-Identifier: Apache-2.0
"""Server groups: what their policies refuse, and what soft ones regret.

As Nova's filters: with anti-affinity a host takes so many members at most;
with affinity only a host that has another member already, so that a group
that is together cannot be moved at all. A migration counts at both ends.
"""

import numpy as np

from kvm_insight.recommend import board as boards


def strike(board: boards.Board, i: int, mask: boards.Bools) -> None:
    """Take out of the mask the hosts that a hard policy refuses."""
    name = board.instances[i].server_group
    if name is None:
        return
    group = board.groups[name]
    members = board.members[name]
    if group.policy == 'anti-affinity':
        for h, count in members.items():
            if count >= group.max_server_per_host:
                mask[h] = False
    elif group.policy == 'affinity':
        before = mask.copy()
        mask[:] = False
        for h, count in members.items():
            if count > 0 and h != board.at[i]:
                mask[h] = before[h]


def refuses(board: boards.Board, i: int, h: int) -> str | None:
    """Return why a group's hard policy refuses a host, in words."""
    name = board.instances[i].server_group
    if name is None:
        return None
    group = board.groups[name]
    count = board.members[name][h]
    if group.policy == 'anti-affinity' and count >= group.max_server_per_host:
        return f'it has {count} of anti-affinity group {name} already'
    if group.policy == 'affinity' and count <= 0:
        return f'affinity group {name} is elsewhere'
    return None


def regret(board: boards.Board, i: int, hosts: boards.Ints) -> boards.Ints:
    """Return by how much soft policies are met worse with i on each host."""
    name = board.instances[i].server_group
    found = np.zeros(len(hosts), dtype=np.int64)
    if name is None:
        return found
    policy, members = board.groups[name].policy, board.members[name]
    here = board.at[i]
    there = np.array([h for h, n in members.items() if n > 0 and h != here])
    shared = np.isin(hosts, there).astype(np.int64)
    if policy == 'soft-anti-affinity':
        found = shared - int(members[here] >= 2)
    elif policy == 'soft-affinity':
        found = 1 - shared - int(members[here] == 1)
    found[hosts == here] = 0
    return found


def is_soft(board: boards.Board, i: int) -> bool:
    """Say whether an instance is in a group with a soft policy."""
    name = board.instances[i].server_group
    return name is not None and board.groups[name].policy.startswith('soft')
