# SPDX-License-Identifier: Apache-2.0
"""Rows of cells to lines of text that fit a terminal."""

from collections.abc import Sequence

#: Columns that begin with this mark are aligned to the right.
RIGHT = '>'


def render(
    header: Sequence[str], rows: Sequence[Sequence[str]], width: int
) -> list[str]:
    """Return the lines; a last column that does not fit is cut."""
    names = [name.removeprefix(RIGHT) for name in header]
    cells = [names, *(list(map(_plain, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        '  '.join(
            cell.rjust(size) if name.startswith(RIGHT) else cell.ljust(size)
            for name, cell, size in zip(header, line, widths, strict=True)
        ).rstrip()[:width]
        for line in cells
    ]


def _plain(cell: str) -> str:
    """Return the cell without what would move the cursor."""
    return ''.join(char if char.isprintable() else '?' for char in cell)
