# SPDX-License-Identifier: Apache-2.0
"""A report from PostgreSQL and MariaDB is the one that SQLite gives."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from database import mariadb, postgresql

from kvm_insight import exception
from kvm_insight.model import codec, tenant_report
from kvm_insight.store import engine, report_source, schema, settings, table
from tests.unit.report import material
from tests.unit.store import filling
from tests.unit.store import test_report_source as rows

OTHER = 'eeeeeeee-0000-4000-8000-00000000000e'


@pytest.fixture(params=[postgresql.Postgresql, mariadb.Mariadb])
def database(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    server = request.param()
    server.up()
    made = None
    try:
        url = server.create('report')
        made = engine.connect(settings.Settings(connection=url))
        schema.upgrade(made)
        yield made
    finally:
        if made is not None:
            made.dispose()
        server.wipe()


def fill(connection: sa.Connection) -> None:
    """Put two projects' hours and days in, and what the ledger says."""
    whole = filling.Filling(connection)
    for number in range(5, 84):
        whole.hour(
            rows.hour(
                number,
                f'host-{number % 3}',
                rows.instance(
                    material.ONE, material.PROJECT, 'web', 10**7 * number
                ),
                rows.instance(
                    material.TWO, material.PROJECT, 'batch', 10**6 * number
                ),
                rows.instance(OTHER, 'other', 'x', 10**6),
                charged=number * 10**5,
            )
        )
    # A day in which the vCPUs change, and one without hours.
    more = rows.instance(material.TWO, material.PROJECT, 'batch', 10**7, 8)
    whole.hour(rows.hour(60, 'host-4', more))
    whole.purged(rows.BEGIN + 24)
    whole.incident(
        material.found(material.party(OTHER, 'other', 'x'), material.party())
    )


def report(database: sa.Engine) -> tenant_report.TenantReport:
    with report_source.snapshot(database) as connection:
        whose = report_source.project(connection, material.PROJECT)
        assert whose is not None
        return report_source.report(
            connection, whose, material.NOVEMBER, material.END_US
        )


@pytest.mark.timeout(300)
def test_all_kinds_of_database_say_the_same(database: sa.Engine) -> None:
    with filling.memory() as plain:
        for one in (plain, database):
            with one.begin() as connection:
                fill(connection)
        expected = report(plain)
    told = report(database)
    assert told.resolution == 'mixed'
    assert told.totals.cpu.causes.own_project > 0
    assert codec.encode(told) == codec.encode(expected)


def test_a_report_is_of_one_moment(database: sa.Engine) -> None:
    with database.begin() as connection:
        fill(connection)
    with report_source.snapshot(database) as connection:
        count = sa.select(sa.func.count()).select_from(table.INSTANCE)
        before = connection.scalar(count)
        with database.begin() as other:
            more = filling.Filling(other)
            more.instance(rows.instance(OTHER[:-1] + 'f', 'third', 'y'), 0)
        assert connection.scalar(count) == before
    with database.connect() as connection:
        assert connection.scalar(count) == (before or 0) + 1


def test_a_database_that_breaks_is_one_line(database: sa.Engine) -> None:
    with database.begin() as connection:
        fill(connection)
        connection.execute(sa.text('DROP TABLE finding_aggressor'))
    with pytest.raises(exception.StoreUnavailable) as told:
        report(database)
    assert '\n' not in str(told.value)
    assert 'SELECT' not in str(told.value)
