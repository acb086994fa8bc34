# SPDX-License-Identifier: Apache-2.0
"""Files of traces with a few bytes that are not as they were."""

import pathlib

import numpy
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.cmd import traces


def damaged(data: st.DataObject, whole: bytes) -> bytes:
    """Return the bytes with a few of them replaced."""
    at = data.draw(st.integers(0, len(whole)))
    damage = data.draw(st.binary(max_size=8))
    return whole[:at] + damage + whole[at + len(damage) :]


def cut(data: st.DataObject, whole: bytes) -> bytes:
    """Return the first bytes, perhaps all."""
    return whole[: data.draw(st.integers(0, len(whole)))]


def ends_in_traces_or_one_line(folder: pathlib.Path, named: str) -> None:
    """Hold what is read of a folder to what may come of a damaged file."""
    try:
        found = traces.read(folder)
    except exception.ConfigError as why:
        told = str(why)
        assert named in told
        assert len(told.splitlines()) == 1
        return
    for one in found:
        finite = one.values[numpy.isfinite(one.values)]
        assert len(finite) >= 12
        assert (finite >= 0).all()
        assert not numpy.isinf(one.values).any()
