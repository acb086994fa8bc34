# SPDX-License-Identifier: Apache-2.0
"""Groups: the rows of a table by the domain that they belong to.

A domain's rows are one after the other, and all columns are added up in one
call: that takes longer to begin than to add.
"""

from typing import NamedTuple

import numpy
from numpy import typing as npt

Floats = npt.NDArray[numpy.float64]
Places = npt.NDArray[numpy.intp]


class Groups(NamedTuple):
    """Where the rows of each domain begin that has some."""

    begins: Places
    domains: Places


def of(counts: Places) -> Groups:
    """Return the groups where each domain has so many rows."""
    domains = numpy.flatnonzero(counts)
    return Groups((numpy.cumsum(counts) - counts)[domains], domains)


def totals(rows: Floats, groups: Groups, count: int) -> Floats:
    """Return the sums by domain of rows: the last axis but one."""
    shape = (*rows.shape[:-2], count, rows.shape[-1])
    if not len(groups.begins):
        return numpy.zeros(shape)
    found = numpy.add.reduceat(rows, groups.begins, axis=-2)
    if len(groups.begins) == count:
        return numpy.asarray(found)
    whole = numpy.zeros(shape)
    whole[..., groups.domains, :] = found
    return whole
