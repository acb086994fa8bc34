# SPDX-License-Identifier: Apache-2.0
"""Cases of the check for memory that was never touched."""

from kvm_insight.model import usage

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED
from ..past import GIB, HOUR_US, InstanceRow

MEMORY = 'sizing.memory-untouched'
MONTH_US = 28 * 24 * HOUR_US


def memory(mib: int | None, **more: int) -> dict[str, object]:
    return {
        'memory': usage.Memory(
            **{'measured_us': MONTH_US, **more},
            peak_rss_bytes=None if mib is None else mib << 20,
        )
    }


ROWS = (
    InstanceRow(MEMORY, GOOD),
    InstanceRow(MEMORY, GOOD, known=memory(5000)),
    # More than it has now: it was larger before.
    InstanceRow(MEMORY, GOOD, known=memory(12_000)),
    InstanceRow(MEMORY, BAD, known=memory(2048), says='2560 MiB would do'),
    InstanceRow(MEMORY, CANNOT_TELL, known=memory(200), says='on huge pages'),
    InstanceRow(
        MEMORY,
        CANNOT_TELL,
        known=memory(2048, swap_out_bytes=1),
        says='swapped out',
    ),
    InstanceRow(
        MEMORY,
        CANNOT_TELL,
        known=memory(2048, measured_us=24 * HOUR_US),
        says='24.0 h',
    ),
    InstanceRow(MEMORY, CANNOT_TELL, known=memory(None)),
    InstanceRow(MEMORY, CANNOT_TELL, known={'memory': None}),
    InstanceRow(MEMORY, CANNOT_TELL, known={'memory_bytes': None}),
    InstanceRow(MEMORY, CANNOT_TELL, known={**memory(2048), 'coverage': 0.1}),
    InstanceRow(MEMORY, NOT_CONCERNED, known={'memory_bytes': GIB}),
    InstanceRow(MEMORY, NOT_CONCERNED, ((0.01, 100),), known=memory(2048)),
    InstanceRow(MEMORY, NOT_CONCERNED, known={'gone': True}),
)
