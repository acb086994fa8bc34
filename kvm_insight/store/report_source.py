# SPDX-License-Identifier: Apache-2.0
"""Reads what a tenant's report is made from, of one project and period.

Each query has the project in it; nothing of another one is read but who a
finding's aggressors were, which the report leaves out.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator

import sqlalchemy as sa
from sqlalchemy import exc

from kvm_insight import exception
from kvm_insight.model import tenant_report
from kvm_insight.report import period, tenant, value
from kvm_insight.store import (
    engine,
    report_advice,
    report_finding,
    report_reader,
    report_spans,
    report_worst,
    table,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A project that the database knows."""

    key: int
    uuid: str
    name: str | None


@contextlib.contextmanager
def snapshot(database: sa.Engine) -> Iterator[sa.Connection]:
    """Open a connection that is ``still`` until it is closed."""
    with _worded(), database.connect() as connection, still(connection):
        yield connection


@contextlib.contextmanager
def still(connection: sa.Connection) -> Iterator[None]:
    """Let nothing change for a connection that only reads: else totals and
    their parts could be of different moments."""
    with _worded():
        # What was read before is of another moment.
        connection.rollback()
        if connection.dialect.name != 'sqlite':
            connection.execution_options(isolation_level='REPEATABLE READ')
        with connection.begin():
            yield


@contextlib.contextmanager
def _worded() -> Iterator[None]:
    """Say of what goes wrong what the database says."""
    try:
        yield
    except exc.SQLAlchemyError as why:
        raise exception.StoreUnavailable(
            f'database: {engine.words(why)}'
        ) from None


def projects(connection: sa.Connection) -> list[Project]:
    """Return all projects; for operators only."""
    c = table.PROJECT.c
    asked = sa.select(c.id, c.uuid, c.name).order_by(c.name, c.uuid)
    return [Project(*row) for row in connection.execute(asked)]


def project(connection: sa.Connection, uuid: str) -> Project | None:
    """Return the project with this id, if there is one."""
    c = table.PROJECT.c
    asked = sa.select(c.id, c.uuid, c.name).where(c.uuid == uuid)
    row = connection.execute(asked).one_or_none()
    return None if row is None else Project(*row)


def named(connection: sa.Connection, name: str) -> list[Project]:
    """Return all projects with this name; for operators only."""
    return [one for one in projects(connection) if one.name == name]


def known(connection: sa.Connection, whose: Project) -> tuple[int, int] | None:
    """Return when a project's instances were first and last seen."""
    c = table.INSTANCE.c
    asked = sa.select(
        sa.func.min(c.first_seen_us), sa.func.max(c.last_seen_us)
    ).where(c.project_id == whose.key)
    first, last = connection.execute(asked).one()
    return None if first is None else (first, last)


def report(
    connection: sa.Connection,
    whose: Project,
    when: period.Period,
    made_us: int,
    opaque: Callable[[str, int], str] | None = None,
) -> tenant_report.TenantReport:
    """Return a project's report; ``opaque`` gives a finding's id as those
    may know it who see only this project."""
    made_of = material(connection, whose, when, made_us, opaque)
    return tenant.report(made_of, when, made_us, adviser=report_advice.given)


def material(
    connection: sa.Connection,
    whose: Project,
    when: period.Period,
    now_us: int,
    opaque: Callable[[str, int], str] | None = None,
) -> value.Material:
    """Return all that is known now of a project and period."""
    spans = report_spans.of(connection, whose.key, when)
    since_us, until_us = spans.since_us, spans.until_us
    reader = report_reader.Reader(connection, spans, when.zone)
    found, more = report_finding.found(
        connection, whose.key, since_us, until_us, now_us, opaque
    )
    return value.Material(
        project_id=whose.uuid,
        project_name=whose.name,
        since_us=since_us,
        until_us=until_us,
        resolution=spans.resolution,
        uses=reader.uses(since_us, until_us, now_us),
        stretches=reader.stretches(),
        worst=report_worst.worst(connection, spans),
        found=found,
        more_found=more,
        blamed=report_finding.blamed(
            connection, whose.key, since_us, until_us, now_us
        ),
    )
