# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of an instance's vCPUs."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED
from ..past import HOUR_US, InstanceRow

OVER, UNDER = 'sizing.oversized', 'sizing.undersized'
ROWS = (
    InstanceRow(OVER, GOOD, ((2.5, 100),)),
    InstanceRow(OVER, BAD, ((0.5, 100),), says='1 would do'),
    InstanceRow(OVER, BAD, ((0.2, 98), (1.7, 2)), says='3 would do'),
    InstanceRow(OVER, GOOD, ((0.2, 98), (2.5, 2))),
    InstanceRow(OVER, GOOD, ((0.5, 100),), sized={'vcpus': 1}),
    InstanceRow(
        OVER, CANNOT_TELL, ((0.5, 100),), hours=23, says='at least 24 h'
    ),
    # Stopped for most of the time.
    InstanceRow(
        OVER,
        CANNOT_TELL,
        ((0.5, 100),),
        known={'coverage': 0.3},
        says='30% of the time',
    ),
    # Resized an hour ago: what was before tells nothing of these vCPUs.
    InstanceRow(
        OVER,
        CANNOT_TELL,
        ((0.5, 100),),
        sized={'measured_us': HOUR_US},
        says='1.0 h',
    ),
    InstanceRow(OVER, CANNOT_TELL, sized={'vcpus': 0}),
    InstanceRow(OVER, CANNOT_TELL, sized=None, says='not measured'),
    InstanceRow(OVER, NOT_CONCERNED, ((0.01, 100),), says='sizing.idle'),
    InstanceRow(OVER, NOT_CONCERNED, ((0.5, 100),), known={'gone': True}),
    InstanceRow(UNDER, GOOD),
    InstanceRow(UNDER, BAD, ((1.0, 90), (3.9, 10)), says='of 4'),
    InstanceRow(
        UNDER,
        BAD,
        sized={'throttled_us': 60 * HOUR_US},
        says='its CPU limit',
    ),
    InstanceRow(UNDER, CANNOT_TELL, ((3.9, 100),), hours=5),
    InstanceRow(UNDER, NOT_CONCERNED, known={'gone': True}),
)
