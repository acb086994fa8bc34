# SPDX-License-Identifier: Apache-2.0
"""Room: whether a host's inventories can take an instance besides all else.

As Placement claims: ``used + asked <= (total - reserved) * ratio``, between
``min_unit`` and ``max_unit`` and in steps. What leaves is counted until it
has left.
"""

import numpy as np

from kvm_insight.recommend import board as boards


def mask(board: boards.Board, movers: boards.Ints) -> boards.Bools:
    """Return which hosts have room for each of these instances."""
    need = board.need[movers]
    fits = np.ones((len(movers), len(board.hosts)), dtype=bool)
    for c in np.flatnonzero(need.any(axis=0)):
        asked = need[:, c, None]
        fits &= (board.used[:, c] + asked <= board.room[:, c]) | (asked <= 0)
    return fits


def within(board: boards.Board, i: int) -> boards.Bools:
    """Return which hosts give so much to one instance at all."""
    columns = np.flatnonzero(board.need[i] > 0)
    asked = board.need[i, columns]
    fits = asked <= board.room[:, columns]
    fits &= asked >= board.least[:, columns]
    fits &= asked <= board.most[:, columns]
    fits &= asked % board.step[:, columns] == 0
    whole: boards.Bools = fits.all(axis=1)
    return whole


def refuses(board: boards.Board, i: int, h: int) -> str | None:
    """Return what a host lacks, in words; None if it has room."""
    for c, kind in enumerate(board.classes):
        asked = board.need[i, c]
        if asked <= 0:
            continue
        words = _lacks(board, h, c, float(asked))
        if words is not None:
            return f'{asked:g} {kind} asked for, {words}'
    return None


def _lacks(board: boards.Board, h: int, c: int, asked: float) -> str | None:
    limit, used = board.room[h, c], board.used[h, c]
    if limit < 0:
        return 'of which it has no inventory'
    if used + asked > limit:
        return f'{max(0.0, limit - used):g} of {limit:g} are free'
    if asked < board.least[h, c] or asked > board.most[h, c]:
        least, most = board.least[h, c], board.most[h, c]
        return f'it gives {least:g} to {most:g}'
    if asked % board.step[h, c]:
        return f'it gives in steps of {board.step[h, c]:g}'
    return None
