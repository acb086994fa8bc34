# SPDX-License-Identifier: Apache-2.0
"""A plan: from one cluster to recommendations, each with its reasons."""

import dataclasses
import hashlib

import numpy as np

from kvm_insight import exception
from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import (
    choices,
    emptying,
    explanation,
    field,
    orders,
    sanity,
    search,
    settings,
    validity,
)

_US = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Stay:
    """A host that would need it and is not (wholly) relieved, and why."""

    host: str
    reasons: list[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What is recommended, and why no more than that."""

    recommendations: list[recommendation.Recommendation]
    stays: list[Stay] = dataclasses.field(default_factory=list)
    #: What in the cluster contradicts itself and took no part.
    left_out: list[sanity.LeftOut] = dataclasses.field(default_factory=list)
    #: Why there is no plan at all, where that is so.
    error: str | None = None


def plan(
    whole: cluster.Cluster,
    rules: settings.Settings,
    said: orders.Orders,
    dice: np.random.Generator,
    mode: recommendation.Mode = 'relieve',
) -> Plan:
    """Return what to do; a cluster that makes no sense gives an error."""
    try:
        sound = sanity.check(whole)
    except exception.ClusterError as why:
        return Plan([], error=str(why))
    where = field.Field(whole, sound, rules, said, mode)
    steps = _steps(where, said, dice)
    chains = _chains(where, steps)
    _take_back(where, steps)
    made = []
    for chain in chains:
        one = _recommendation(where, chain, whole.time_us)
        if _holds(where, one):
            made.append(one)
        else:
            _take_back(where, chain)
    return Plan(made, _stays(where, said), sound.left_out)


def _take_back(where: field.Field, steps: list[field.Step]) -> None:
    for step in reversed(steps):
        for one in reversed(step.choices):
            where.take_back(one.i, one.source)


def _holds(where: field.Field, one: recommendation.Recommendation) -> bool:
    """Say whether it is worth its cost besides those made before it."""
    if where.mode in ('evacuate', 'consolidate') or not where.rules.guarded:
        return True
    price = where.worth * one.cost_core_s
    return min(one.gain_core_s, one.gain_p95_core_s) >= price


def _steps(
    where: field.Field, said: orders.Orders, dice: np.random.Generator
) -> list[field.Step]:
    if where.mode == 'evacuate':
        return emptying.evacuate(where, said.evacuate)
    if where.mode == 'consolidate':
        return emptying.consolidate(where)
    return search.Search(where, dice).run()


def _stays(where: field.Field, said: orders.Orders) -> list[Stay]:
    """Return the hosts that still need it after all moves."""
    board = where.board
    if where.mode == 'evacuate':
        index = (board.index.get(name) for name in said.evacuate)
        left = [h for h in index if h is not None and board.residents[h]]
    elif where.mode == 'relieve':
        left = [int(h) for h in np.flatnonzero(search.is_hot(where, True))]
    else:
        left = []
    return [
        Stay(board.hosts[h].name, explanation.why_left(where, h)) for h in left
    ]


def _chains(
    where: field.Field, steps: list[field.Step]
) -> list[list[field.Step]]:
    """Return the steps by the hosts that they have in common."""
    where.rejoin(steps)
    found: dict[int, list[field.Step]] = {}
    for step in steps:
        chain = step.chain(where.chain)
        found.setdefault(chain, []).append(step)
    return list(found.values())


def _recommendation(
    where: field.Field, steps: list[field.Step], now_us: int
) -> recommendation.Recommendation:
    """Play one chain of moves and tell of it."""
    rules, score = where.rules, where.score
    before = score.values()
    moves, refusals = _moves(where, steps)
    after = score.values()
    parts = [
        recommendation.Part(
            name=line.name,
            weight=line.weight,
            statistic=line.statistic,
            unit=line.unit,
            before=before[line.name],
            after=after[line.name],
        )
        for line in score.lines
    ]
    lost = sum(one.weight * (one.before - one.after) for one in parts)
    # Emptied hosts count for the whole, not for any one of the moves.
    expected = sum(one.gain_core_s for one in moves)
    high = sum(one.gain_p95_core_s for one in moves)
    rest = lost * rules.horizon_s - score.blended(expected, high)
    gain = rest + expected
    cost = sum(one.cost_core_s for one in moves)
    return recommendation.Recommendation(
        id=_name(where, moves),
        fingerprint=validity.fingerprint(where.board, moves),
        mode=where.mode,
        moves=moves,
        horizon_s=rules.horizon_s,
        gain_core_s=gain,
        gain_p95_core_s=rest + high,
        cost_core_s=cost,
        risk=max(one.risk for one in moves),
        score_before=sum(one.weight * one.before for one in parts),
        score_after=sum(one.weight * one.after for one in parts),
        parts=parts,
        findings=sorted({x for one in moves for x in one.findings}),
        validity=recommendation.Validity(
            verdict='invalid' if refusals else 'valid',
            checked_us=now_us,
            refusals=refusals,
        ),
        created_us=now_us,
        expires_us=now_us + rules.expires_s * _US,
        summary=explanation.summary(
            where.mode, moves, gain, cost, rules.horizon_s
        ),
    )


def _moves(
    where: field.Field, steps: list[field.Step]
) -> tuple[list[recommendation.Move], list[str]]:
    moves: list[recommendation.Move] = []
    refusals: list[str] = []
    for step in steps:
        exchanged = len(step.choices) > 1
        for one in step.choices:
            refusals += where.sieve.refusals(one.i, one.destination)
            rival = choices.Choices(where, one.source).rival(one)
            one = dataclasses.replace(one, rival=rival)
            moves.append(_move(where, one, exchanged))
            where.play(one.i, one.destination)
    return moves, refusals


def _move(
    where: field.Field, choice: field.Choice, exchanged: bool
) -> recommendation.Move:
    """Tell of one move; the board is as it is just before it."""
    board = where.board
    one = board.instances[choice.i]
    part = explanation.role(one, where.mode, exchanged)
    told = where.score.appraise(
        np.array([choice.i]), np.array([choice.destination])
    )
    cost = where.cost(choice.i)
    return recommendation.Move(
        instance=one.uuid,
        name=one.name,
        project_id=one.project_id,
        source=one.host,
        destination=board.hosts[choice.destination].name,
        role=part,
        findings=[] if one.load is None else one.load.findings,
        gain_core_s=float(told.expected[0, 0]),
        gain_p95_core_s=float(told.high[0, 0]),
        cost_core_s=cost.core_s,
        duration_s=cost.duration_s,
        downtime_s=cost.downtime_s,
        memory_bytes=one.memory_bytes,
        risk=explanation.risk(
            board, choice.destination, where.rules.hot_ratio, choice.i
        ),
        reason=explanation.reason(where, choice, part),
        runner_up=explanation.runner_up(where, choice),
    )


def _name(where: field.Field, moves: list[recommendation.Move]) -> str:
    """Return an id that the same moves have whenever they are planned."""
    board = where.board
    digest = hashlib.sha256(where.mode.encode())
    for one in moves:
        since_us = where.guards.since_us(
            board.instances[board.number[one.instance]]
        )
        words = (one.instance, one.source, one.destination, str(since_us))
        digest.update('\0'.join(words).encode())
    return digest.hexdigest()[:32]
