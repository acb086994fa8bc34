# SPDX-License-Identifier: Apache-2.0
"""CPU time of some intervals of an hour, added up by column."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy
from numpy import typing as npt

from kvm_insight.model import usage, window

Numbers = npt.NDArray[numpy.int64]

_WEIGHT_US = 100_000
_EDGES = numpy.array(usage.EDGES)


class Sums(NamedTuple):
    """What is to be added to an hour's sums; a row a column."""

    #: Measured, run, delay, throttled, polled, trusted.
    sums: Numbers
    #: Measured and wanted: what a part of the hour tells.
    part: Numbers
    #: Places in the histograms (all in a row), each once, and the weights.
    bins: Numbers
    weights: Numbers


def of(did: Numbers, intervals_us: Sequence[int]) -> Sums:
    """Return the sums of ``did``: interval x column x ``window.Values``."""
    known = (did[..., window.RUN] >= 0) & (did[..., window.DELAY] >= 0)
    lengths_us = numpy.array(intervals_us, numpy.int64)[:, None]
    values = numpy.where(known[..., None], numpy.maximum(did, 0), 0)
    run, delay, throttled, polled, confidence = values.transpose(2, 0, 1)
    wanted = numpy.maximum(run - polled, 0)
    wanted += numpy.maximum(delay - throttled, 0)
    trusted = (delay * confidence // 1_000_000).sum(axis=0)
    measured = (known * lengths_us).sum(axis=0)
    sums = values.sum(axis=0)[:, : window.CONFIDENCE]
    return Sums(
        numpy.column_stack([measured, sums, trusted]),
        numpy.column_stack([measured, wanted.sum(axis=0)]),
        *_histogram(wanted / lengths_us, known, lengths_us),
    )


def _histogram(
    cores: npt.NDArray[numpy.float64],
    known: npt.NDArray[numpy.bool_],
    lengths_us: Numbers,
) -> tuple[Numbers, Numbers]:
    """Return places and weights of what was known."""
    weights = numpy.maximum(numpy.rint(lengths_us / _WEIGHT_US), 1)
    bins = numpy.searchsorted(_EDGES, cores, side='right')
    bins += numpy.arange(bins.shape[1]) * usage.BINS
    # No weight is zero.
    total = numpy.bincount(bins[known], (known * weights)[known])
    places = total.nonzero()[0]
    return places, total[places].astype(numpy.int64)
