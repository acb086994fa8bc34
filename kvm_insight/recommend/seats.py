# SPDX-License-Identifier: Apache-2.0
"""Seats: which hosts have NUMA cells and devices for an instance.

On which of its cells a host puts a guest is the host's own choice, so a plan
brings at most one such instance to each host: the next one would rest on a
guess.
"""

import numpy as np

from kvm_insight.recommend import board as boards


class Seats:
    """Remembers who fits where until a host's cells change."""

    def __init__(self, board: boards.Board) -> None:
        """Take the board; nobody was asked for yet."""
        self._board = board
        #: (instance, host) -> (state of the host's cells, answer).
        self._known: dict[tuple[int, int], tuple[int, bool]] = {}
        self._with_cells = np.array([bool(x.numa) for x in board.hosts], bool)

    def strike(self, i: int, mask: boards.Bools) -> None:
        """Take out of the mask the hosts without a seat."""
        if not self._board.is_seated(i):
            return
        if self._board.asks(i).numa:
            mask &= self._with_cells
        for h in np.flatnonzero(mask):
            mask[h] = self._fits(i, int(h))

    def _fits(self, i: int, h: int) -> bool:
        state, known = self._known.get((i, h), (-1, False))
        if state != self._board.turned[h]:
            state, known = (
                self._board.turned[h],
                refuses(self._board, i, h) is None,
            )
            self._known[i, h] = state, known
        return known


def refuses(board: boards.Board, i: int, h: int) -> str | None:
    """Return why a host has no seat for an instance; None if it has."""
    if not board.is_seated(i):
        return None
    one = board.instances[i]
    if board.asks(i).numa and not one.numa:
        return 'its NUMA cells are not known'
    if board.seated.get(h, 0) > 0:
        return 'another instance with a NUMA topology is on its way there'
    if board.seat(i, h) is not None:
        return None
    what = 'NUMA cells' if board.asks(i).numa else 'PCI devices'
    return f'none of its {what} have room'
