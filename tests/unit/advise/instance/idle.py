# SPDX-License-Identifier: Apache-2.0
"""Cases of the check for instances that do nothing."""

from kvm_insight.model import usage

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED
from ..past import HOUR_US, InstanceRow

IDLE = 'sizing.idle'
NOTHING = ((0.01, 98), (1.0, 2))
ROWS = (
    InstanceRow(IDLE, GOOD),
    InstanceRow(IDLE, GOOD, ((0.01, 96), (1.0, 4))),
    InstanceRow(IDLE, BAD, NOTHING, says='did nothing'),
    # More vCPUs have more timers.
    InstanceRow(IDLE, GOOD, ((0.15, 100),), sized={'vcpus': 4}),
    InstanceRow(IDLE, BAD, ((0.15, 100),), sized={'vcpus': 16}),
    InstanceRow(
        IDLE,
        GOOD,
        NOTHING,
        known={
            'network': usage.Network(measured_us=HOUR_US, rx_bytes=10**8),
        },
    ),
    InstanceRow(
        IDLE,
        GOOD,
        NOTHING,
        known={
            'network': usage.Network(measured_us=HOUR_US, tx_bytes=10**7),
        },
    ),
    InstanceRow(
        IDLE, CANNOT_TELL, NOTHING, known={'network': None}, says='traffic'
    ),
    InstanceRow(
        IDLE, CANNOT_TELL, NOTHING, hours=6 * 24, says='at least 168 h'
    ),
    InstanceRow(IDLE, CANNOT_TELL, NOTHING, known={'coverage': 0.49}),
    InstanceRow(IDLE, CANNOT_TELL, NOTHING, known={'coverage': None}),
    InstanceRow(IDLE, CANNOT_TELL, sized=None),
    InstanceRow(IDLE, CANNOT_TELL, sized={'histogram': []}),
    InstanceRow(IDLE, NOT_CONCERNED, NOTHING, known={'gone': True}),
)
