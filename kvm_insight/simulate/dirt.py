# SPDX-License-Identifier: Apache-2.0
"""What happens to samples on their way: lost, doubled, late."""

import dataclasses
from collections.abc import Iterable, Iterator

import numpy

from kvm_insight.model import sample


@dataclasses.dataclass(frozen=True, slots=True)
class Dirt:
    """How likely each is for a sample; the clock's skew is the agent's."""

    lost: float = 0.0
    doubled: float = 0.0
    #: Comes after those that follow it, by so many.
    late: float = 0.0
    late_by: int = 2
    seed: int = 0


CLEAN = Dirt()


def soiled(
    samples: Iterable[sample.Sample], dirt: Dirt
) -> Iterator[sample.Sample]:
    """Return what a consumer gets of these."""
    rng = numpy.random.default_rng([dirt.seed, 11])
    held: list[tuple[int, sample.Sample]] = []
    for number, one in enumerate(samples):
        chance = rng.random(3)
        if chance[0] < dirt.lost:
            continue
        if chance[1] < dirt.late:
            held.append((number + dirt.late_by, one))
        else:
            yield one
            if chance[2] < dirt.doubled:
                yield one
        while held and held[0][0] <= number:
            yield held.pop(0)[1]
    yield from (one for _, one in held)
