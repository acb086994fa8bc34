# SPDX-License-Identifier: Apache-2.0
"""CPU lists as Linux writes them: ``0-3,8`` and the sets they stand for."""

from collections.abc import Iterable

#: More CPUs than Linux can be built for; a longer range is damage.
LARGEST = 65536


def parse(text: str) -> frozenset[int]:
    """Return the CPUs of a list; raise ValueError for what is none."""
    cpus: set[int] = set()
    for part in text.strip().split(','):
        if not part:
            continue
        first, _, last = part.partition('-')
        low, high = int(first), int(last or first)
        if not 0 <= low <= high < LARGEST:
            raise ValueError(f'not a range of CPUs: {part!r}')
        cpus.update(range(low, high + 1))
    return frozenset(cpus)


def render(cpus: Iterable[int]) -> str:
    """Return the list of these CPUs, in order and as short as it gets."""
    ranges: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if ranges and ranges[-1][1] == cpu - 1:
            ranges[-1][1] = cpu
        else:
            ranges.append([cpu, cpu])
    return ','.join(
        str(low) if low == high else f'{low}-{high}' for low, high in ranges
    )
