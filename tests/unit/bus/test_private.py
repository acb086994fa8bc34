# SPDX-License-Identifier: Apache-2.0
"""What is kept on a disk is its owner's alone, unless somebody chose else."""

import os
import pathlib
import stat
from collections.abc import Iterator

import pytest

from kvm_insight.bus import embedded, spool


def mode(path: pathlib.Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _lax() -> Iterator[None]:
    """A umask that takes nothing away from others."""
    before = os.umask(0)
    yield
    os.umask(before)


def opened(path: pathlib.Path, kind: str) -> None:
    """Open it, look at all files there are meanwhile, and close it."""
    if kind == 'bus':
        bus = embedded.connect({'path': str(path)})
        producer = bus.producer()
        bus.create_topics([])
        assert {mode(one) for one in path.parent.iterdir()} == {mode(path)}
        producer.close()
        bus.close()
    else:
        spool.Spool(path).close()


@pytest.mark.parametrize('kind', ['bus', 'spool'])
def test_what_is_made_is_its_owner_s_alone(
    tmp_path: pathlib.Path, kind: str
) -> None:
    path = tmp_path / 'new' / f'{kind}.db'
    opened(path, kind)
    assert mode(path.parent) == 0o700
    assert mode(path) == 0o600


@pytest.mark.parametrize('kind', ['bus', 'spool'])
def test_what_is_there_keeps_its_mode(
    tmp_path: pathlib.Path, kind: str
) -> None:
    tmp_path.chmod(0o755)
    path = tmp_path / f'{kind}.db'
    path.touch(0o640)
    opened(path, kind)
    assert mode(tmp_path) == 0o755
    assert mode(path) == 0o640
