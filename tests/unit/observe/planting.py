# SPDX-License-Identifier: Apache-2.0
"""Plants a recorded or constructed tree, which then is a host."""

import pathlib
from collections.abc import Callable

from kvm_insight.observe import collector, place

TREES = pathlib.Path(__file__).resolve().parents[2] / 'trees'

Plant = Callable[..., pathlib.Path]


def unpack(name: str, root: pathlib.Path) -> None:
    """Write the files of ``tests/trees/<name>`` under this folder."""
    text = (TREES / name / 'tree.txt').read_text()
    for part in text.removeprefix('-- ').split('\n-- '):
        head, _, content = part.partition('\n')
        target = root / head.removesuffix(' --')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content and content.rstrip('\n') + '\n')


def source(root: pathlib.Path) -> place.Place:
    """Return the domains' source of a planted host."""
    return place.Place(
        root / 'proc',
        root / 'sys',
        root / 'sys/fs/cgroup',
        collector.Board(clock=lambda: 0),
    )
