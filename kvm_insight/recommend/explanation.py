# SPDX-License-Identifier: Apache-2.0
"""Explanation: the words for a move, for what lost, and for what stays."""

import collections
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import demand, field

#: Of the normal distribution.
_P95 = 1.6449

Role = Literal['aggressor', 'victim', 'neighbour', 'evacuee', 'exchange']


def role(
    one: cluster.Instance, mode: recommendation.Mode, exchanged: bool
) -> Role:
    """Return what an instance is in the story of its move."""
    if mode in ('evacuate', 'consolidate'):
        return 'evacuee'
    load = one.load
    lost = 0.0
    if load is not None and load.verdict in demand.HELPED:
        lost = load.lost_cores
    if load is not None and load.caused_cores > lost:
        return 'aggressor'
    if lost > 0:
        return 'victim'
    return 'exchange' if exchanged else 'neighbour'


def reason(where: field.Field, choice: field.Choice, part: Role) -> str:
    """Return why this instance, and why there; before it is played."""
    board = where.board
    one = board.instances[choice.i]
    source = board.hosts[choice.source].name
    there = board.hosts[choice.destination].name
    return f'{_why(one, part, source)}; {_whither(where, choice, there)}.'


def _why(one: cluster.Instance, part: Role, source: str) -> str:
    who = one.name or one.uuid
    load = one.load or cluster.InstanceLoad(used_cores=0.0)
    if part == 'aggressor':
        others = f'{load.caused_cores:.2f} cores'
        return f'{who} makes others on {source} lose {others}'
    if part == 'victim':
        return f'{who} loses {load.lost_cores:.2f} cores on {source}'
    if part == 'evacuee':
        return f'{source} is to be empty, and {who} is on it'
    if part == 'exchange':
        return f'{who} makes room in exchange'
    return f'{who} takes {load.used_cores:.2f} cores of {source}'


def _whither(where: field.Field, choice: field.Choice, there: str) -> str:
    board, h = where.board, choice.destination
    cores = board.capacity[h, demand.HIGH]
    high = board.load[h, demand.HIGH]
    after = high + board.arrive[choice.i, demand.HIGH]
    return (
        f'{there} will want {after:.1f} of its {cores:.1f} cores by the high'
        f' forecast ({high:.1f} without it)'
    )


def runner_up(
    where: field.Field, choice: field.Choice
) -> recommendation.RunnerUp | None:
    """Return the next best and why it lost."""
    rival = choice.rival
    if rival is None:
        return None
    one = where.board.instances[rival.i]
    there = where.board.hosts[rival.destination].name
    less = choice.gain - rival.gain
    dearer = rival.cost - choice.cost
    who = one.name or one.uuid
    words = f'{who} to {there}: {_verdict(less, dearer)}'
    return recommendation.RunnerUp(
        instance=one.uuid,
        destination=there,
        gain_core_s=rival.gain,
        cost_core_s=rival.cost,
        reason=words,
    )


def _verdict(less: float, dearer: float) -> str:
    if less > 0.5 and dearer > 0.5:
        return (
            f'gains {less:.0f} core-seconds less and costs {dearer:.0f} more'
        )
    if less > 0.5:
        return f'gains {less:.0f} core-seconds less'
    if dearer > 0.5:
        return f'costs {dearer:.0f} core-seconds more'
    if less < -0.5:
        return (
            f'gains {-less:.0f} core-seconds more by itself, and leaves the'
            ' plan as a whole with less'
        )
    return 'gains the same; the destination would be warmer or shared'


def summary(
    mode: recommendation.Mode,
    moves: Sequence[recommendation.Move],
    gain: float,
    cost: float,
    horizon_s: int,
) -> str:
    """Return a few sentences about a whole recommendation."""
    first = moves[0]
    who = first.name or first.instance
    what = f'Move {who} from {first.source} to {first.destination}'
    if len(moves) > 1:
        what += f', and {len(moves) - 1} more'
    hosts = {one.source for one in moves}
    why = {
        'relieve': f'spares {gain:.0f} core-seconds',
        'balance': f'is worth {gain:.0f} core-seconds',
        'consolidate': f'empties {", ".join(sorted(hosts))}',
        'evacuate': f'empties {", ".join(sorted(hosts))}',
    }[mode]
    within = f'within {horizon_s / 3600:g} h' if mode == 'relieve' else ''
    return f'{what}: {why} {within} at a cost of {cost:.0f}.'.replace(
        '  ', ' '
    )


def why_left(where: field.Field, h: int) -> list[str]:
    """Return why nothing (more) is moved away from a host, in words."""
    board = where.board
    host = board.hosts[h]
    kept = where.guards.keeps(host)
    if kept is not None:
        return [kept]
    staying: collections.Counter[str] = collections.Counter()
    closed: collections.Counter[str] = collections.Counter()
    for i in board.residents[h]:
        words = where.guards.stays(i)
        if i in where.moved:
            words = 'it has just come'
        if words is None:
            closed.update(_closed(where, i))
        else:
            staying[words] += 1
    found = [f'{n} x {words}' for words, n in staying.most_common(5)]
    if len(staying.keys()) and staying.total() == len(board.residents[h]):
        return found
    return found + [f'{n} x {words}' for words, n in closed.most_common(5)]


def _closed(where: field.Field, i: int) -> list[str]:
    """Return what closes all hosts to an instance; nothing if one is open."""
    mask = where.open_to(np.array([i]))
    if mask.any():
        return ['no move of it is worth its cost by both forecasts']
    found = []
    cool = where.cool(np.array([i]))[0]
    for h in range(len(where.board.hosts)):
        if h == where.board.at[i]:
            continue
        refusals = where.sieve.refusals(i, h)
        shut = where.guards.closes(where.board.hosts[h])
        if refusals:
            found.append('refused by ' + refusals[0].partition(':')[0])
        elif shut is not None:
            found.append(f'a host is closed: {shut}')
        elif not cool[h]:
            found.append('a host would get hot')
    return found


def risk(board: boards.Board, h: int, limit: float, i: int) -> float:
    """Return how likely a host gets hot within the horizon, with i on it.

    As if demand were spread normally about the expected forecast.
    """
    expected, high = board.load[h, :2] + board.arrive[i, :2]
    gap = limit * board.capacity[h, demand.HIGH] - expected
    spread = (high - expected) / _P95
    if spread <= 0:
        return float(gap < 0)
    return 0.5 * math.erfc(gap / spread / math.sqrt(2))
