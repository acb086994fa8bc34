# SPDX-License-Identifier: Apache-2.0
"""Validity: whether a recommendation can still be carried out, and for whom.

The same filters as in the search, asked of the cluster as it is now, move
after move; and the fingerprint of all facts that a recommendation rests on.
"""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from kvm_insight import exception
from kvm_insight.model import cluster, recommendation
from kvm_insight.recommend import board as boards
from kvm_insight.recommend import sanity, settings, sieve

Moves = Iterable[recommendation.Move]


def check(
    whole: cluster.Cluster,
    moves: Moves,
    rules: settings.Settings,
) -> recommendation.Validity:
    """Return whether the moves can be carried out in their order."""
    try:
        sound = sanity.check(whole)
    except exception.ClusterError as why:
        refusals = [str(why)]
    else:
        board = boards.Board(whole, sound, rules)
        wrong = {one.name: one.reason for one in sound.left_out}
        refusals = [*_refusals(board, wrong, moves)]
    return recommendation.Validity(
        verdict='invalid' if refusals else 'valid',
        checked_us=whole.time_us,
        refusals=refusals,
    )


def check_each(
    whole: cluster.Cluster,
    chains: Mapping[str, Moves],
    rules: settings.Settings,
) -> dict[str, list[str]]:
    """Return of each why it would be refused; no two touch the same host."""
    try:
        sound = sanity.check(whole)
    except exception.ClusterError as why:
        return {name: [str(why)] for name in chains}
    board = boards.Board(whole, sound, rules)
    wrong = {one.name: one.reason for one in sound.left_out}
    return {
        name: [*_refusals(board, wrong, moves)]
        for name, moves in chains.items()
    }


def _refusals(
    board: boards.Board, wrong: dict[str, str], moves: Moves
) -> Iterable[str]:
    asked = sieve.Sieve(board)
    for move in moves:
        i = board.number.get(move.instance)
        h = board.index.get(move.destination)
        who = f'{move.name or move.instance} to {move.destination}'
        for name in (move.instance, move.source, move.destination):
            if name in wrong:
                yield f'{who}: {name} {wrong[name]}'
        if i is None or h is None:
            yield f'{who}: the cluster does not have it'
        elif board.hosts[board.at[i]].name != move.source:
            yield f'{who}: it is on {board.hosts[board.at[i]].name}'
        else:
            yield from (f'{who}: {x}' for x in asked.refusals(i, h))
            board.play(i, h)


def fingerprint(board: boards.Board, moves: Moves) -> str:
    """Return a name for the facts that moves rest on.

    Taken from the cluster as it was read, whatever is played since. Loads are
    no part of it: they change with each measurement.
    """
    digest = hashlib.sha256()
    moves = list(moves)
    names = {one.source for one in moves} | {x.destination for x in moves}
    there = {name: board.index[name] for name in names}
    inside: dict[str, list[cluster.Instance]] = {name: [] for name in names}
    nearby = {i for h in there.values() for i in board.residents[h]}
    for i in nearby | {board.number[one.instance] for one in moves}:
        one = board.instances[i]
        if one.host in inside:
            inside[one.host].append(one)
    for name in sorted(names):
        host = msgspec.structs.replace(board.hosts[there[name]], load=None)
        digest.update(_encoder.encode(host))
        for one in sorted(inside[name], key=lambda one: one.uuid):
            digest.update(
                _encoder.encode(msgspec.structs.replace(one, load=None))
            )
    return digest.hexdigest()[:32]


#: Sets and dicts in order, so that equal facts have equal bytes.
_encoder = msgspec.json.Encoder(order='deterministic')
