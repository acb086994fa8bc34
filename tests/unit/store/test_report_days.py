# SPDX-License-Identifier: Apache-2.0
"""Days stand for their hours: a report is the same without them."""

import datetime
import random

import msgspec
import pytest
import sqlalchemy as sa

from kvm_insight.model import codec, tenant_report, usage
from kvm_insight.report import period
from kvm_insight.store import report_source, report_spans
from tests.unit.report import material
from tests.unit.store import filling
from tests.unit.store import test_report_source as rows

HOUR_US = usage.HOUR_US
#: UTC, and places whose days are not those of UTC.
ZONES = (0, 60, -210, 765)


def fill(connection: sa.Connection, chance: random.Random) -> None:
    """Two weeks of instances that come, go, move, are resized, and change
    hands, and of one whose clock was set back."""
    whole = filling.Filling(connection)
    names = [
        f'{number:08x}-0000-4000-8000-{number:012x}' for number in range(5)
    ]
    vcpus = dict.fromkeys(names, 4)
    owner = dict.fromkeys(names, rows.BLUE) | {names[-1]: rows.RED}
    for number in range(-30, 14 * 24):
        if number % 57 == 0:
            vcpus[chance.choice(names)] = chance.choice((2, 8))
        if number in (100, 240):
            owner[names[1]] = rows.RED if number == 100 else rows.BLUE
        there = [name for name in names if chance.random() < 0.8]
        told = [
            rows.instance(
                name,
                owner[name],
                name[:8],
                chance.randrange(10**8),
                vcpus[name],
            )
            for name in there
        ]
        if not told:
            continue
        record = rows.hour(
            number,
            f'host-{number // 40 % 2}',
            *told,
            charged=chance.randrange(3 * 10**7),
        )
        whole.hour(record)
        if number % 11 == 0:
            whole.hour(record, part=7)
        if number % 13 == 0:
            whole.hour(msgspec.structs.replace(record, host='host-9'))


def report(
    connection: sa.Connection, when: period.Period
) -> tenant_report.TenantReport:
    whose = report_source.project(connection, rows.BLUE)
    assert whose is not None
    made = report_source.report(connection, whose, when, material.END_US)
    return msgspec.structs.replace(
        made,
        # A day does not tell in which hour of it data began.
        instances=[
            msgspec.structs.replace(
                one, sizing=msgspec.structs.replace(one.sizing, since_us=None)
            )
            for one in made.instances
        ],
    )


@pytest.mark.parametrize('seed', range(4))
def test_a_report_by_days_is_the_one_by_hours(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    with filling.memory() as database, database.begin() as connection:
        fill(connection, chance)
        periods = [
            between(chance.randrange(-24, 100), length, minutes)
            for minutes in ZONES
            for length in (50, 97, 240, 400)
        ]
        by_days = [report(connection, when) for when in periods]
        assert any(
            not span.is_hours
            for when in periods
            for span in report_spans.of(connection, 1, when).by_instance
        )
        monkeypatch.setattr(
            report_spans, '_by_days', lambda _, hours, __: iter([hours])
        )
        for when, told in zip(periods, by_days, strict=True):
            expected = report(connection, when)
            assert expected.totals.cpu.causes.own_project > 0
            assert len(expected.worst) == 10
            assert codec.encode(told) == codec.encode(expected)


def between(first: int, hours: int, minutes: int) -> period.Period:
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    since_us = (rows.BEGIN + first) * HOUR_US - minutes * 60_000_000
    return period.Period(
        since_us, since_us + hours * HOUR_US + 5, zone, str(minutes)
    )
