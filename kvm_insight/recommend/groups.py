# SPDX-License-Identifier: Apache-2.0
"""Server groups: what their policies refuse, and what soft ones regret.

As Nova's filters: with anti-affinity a host takes so many members at most;
with affinity only a host that has another member already, so that a group
that is together cannot be moved at all. A migration counts at both ends.
"""

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


def regret(board: boards.Board, i: int, h: int) -> int:
    """Return by how much soft policies are met worse with i on host h."""
    name = board.instances[i].server_group
    if name is None or h == board.at[i]:
        return 0
    policy = board.groups[name].policy
    members, here = board.members[name], board.at[i]
    if policy == 'soft-anti-affinity':
        return int(members[h] >= 1) - int(members[here] >= 2)
    if policy == 'soft-affinity':
        return int(members[h] == 0) - int(members[here] == 1)
    return 0


def is_soft(board: boards.Board, i: int) -> bool:
    """Say whether an instance is in a group with a soft policy."""
    name = board.instances[i].server_group
    return name is not None and board.groups[name].policy.startswith('soft')


def regrets(board: boards.Board) -> int:
    """Return by how much all soft policies are missed: members that share a
    host too many, hosts that a group has too many."""
    total = 0
    for name, members in board.members.items():
        counts = [count for count in members.values() if count > 0]
        policy = board.groups[name].policy if name in board.groups else ''
        if policy == 'soft-anti-affinity':
            total += sum(counts) - len(counts)
        elif policy == 'soft-affinity':
            total += max(0, len(counts) - 1)
    return total
