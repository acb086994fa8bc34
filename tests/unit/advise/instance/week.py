# SPDX-License-Identifier: Apache-2.0
"""Cases of the check for guests that are left running."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED
from ..past import InstanceRow, week

LEFT = 'sizing.left-running'


def office(day: int, hour: int) -> float:
    """Somebody works with it."""
    return 1.2 if day < 5 and 8 <= hour < 17 else 0.01


def backed_up(day: int, hour: int) -> float:
    """And at three each night it is backed up."""
    return 0.5 if hour == 3 else office(day, hour)


def always(_: int, hour: int) -> float:
    """Somebody asks it day and night, less at night."""
    return 1.2 if 8 <= hour < 17 else 0.2


def saturdays(day: int, hour: int) -> float:
    """And on Saturdays, too."""
    return 1.0 if day == 5 else office(day, hour)


def holey(day: int, hour: int) -> float | None:
    """Some of its hours were never measured."""
    return None if hour % 6 == 0 else office(day, hour)


def stopped(day: int, hour: int) -> float | None:
    """It is shut down at the weekend."""
    return None if day >= 5 else office(day, hour)


ROWS = (
    InstanceRow(LEFT, GOOD, sized={'week': week(always)}),
    InstanceRow(LEFT, GOOD, sized={'week': week(saturdays)}),
    InstanceRow(LEFT, BAD, sized={'week': week(office)}, says='UTC'),
    InstanceRow(
        LEFT,
        BAD,
        sized={'week': week(office)},
        known={'timezone': 'Asia/Tokyo'},
        says='Asia/Tokyo',
    ),
    InstanceRow(LEFT, BAD, sized={'week': week(backed_up)}),
    InstanceRow(LEFT, BAD, sized={'week': week(holey)}),
    InstanceRow(
        LEFT,
        CANNOT_TELL,
        sized={'week': week(office, weeks=0.5)},
        says='weekends: 24 h of at least 48 h',
    ),
    InstanceRow(
        LEFT, CANNOT_TELL, sized={'week': week(stopped)}, says='weekends: 0 h'
    ),
    InstanceRow(
        LEFT, CANNOT_TELL, ((0.01, 70), (1.5, 30)), says='only days are kept'
    ),
    # Whoever is busy for most of the time is so at night, too.
    InstanceRow(LEFT, GOOD),
    InstanceRow(LEFT, CANNOT_TELL, ((0.01, 70), (1.5, 30)), hours=48),
    # It was off for most of the time.
    InstanceRow(
        LEFT,
        CANNOT_TELL,
        sized={'week': week(office)},
        known={'coverage': 0.3},
    ),
    InstanceRow(LEFT, CANNOT_TELL, sized=None),
    InstanceRow(LEFT, NOT_CONCERNED, sized={'week': week(lambda *_: 0.01)}),
    InstanceRow(
        LEFT,
        NOT_CONCERNED,
        sized={'week': week(office)},
        known={'gone': True},
    ),
)
