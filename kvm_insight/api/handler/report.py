# SPDX-License-Identifier: Apache-2.0
"""Reports of projects."""

import datetime
import functools
from collections.abc import Callable

import sqlalchemy as sa

from kvm_insight.api import asking, moment, problem
from kvm_insight.api.handler import ident
from kvm_insight.api.resource import document, report
from kvm_insight.model import tenant_report
from kvm_insight.report import page, period, sheet
from kvm_insight.store import report_source, scope

Asked = asking.Ask[report.ReportQuery, None]

_LONGEST_US = 400 * moment.DAY_US
_ZONE = 'UTC'


def show(ask: Asked) -> tenant_report.TenantReport | document.Text:
    """Return how a project's instances fared in a month."""
    made = _report(ask)
    if ask.query.format == 'csv':
        return document.Text('text/csv', sheet.text(made, ask.query.table))
    if ask.query.format == 'html':
        return document.Text('text/html', page.text(made, datetime.UTC))
    return made


def _report(ask: Asked) -> tenant_report.TenantReport:
    wanted = ask.path['id']
    if isinstance(ask.scope, scope.Project) and ask.scope.uuid != wanted:
        raise problem.unknown()
    when = _period(ask)
    name = _opaque(ask)
    # Not by another connection: whoever waits for a second one may wait for
    # those who wait for theirs.
    with report_source.still(ask.store):
        whose = _project(ask.store, ask.scope, wanted)
        return report_source.report(ask.store, whose, when, ask.now_us, name)


def _project(
    store: sa.Connection, sees: scope.Scope, wanted: str
) -> report_source.Project:
    """Return the project with this id; to operators, who may see all of
    them, also the one with this name."""
    found = report_source.project(store, wanted)
    if found is not None:
        return found
    if not isinstance(sees, scope.Everything):
        raise problem.unknown()
    named = report_source.named(store, wanted)
    if len(named) > 1:
        raise problem.Problem(
            409,
            problem.CONFLICT,
            f'More than one project has this name; ask for one by its id:'
            f' {", ".join(one.uuid for one in named)}.',
        )
    if not named:
        raise problem.unknown()
    return named[0]


def _opaque(ask: Asked) -> Callable[[str, int], str] | None:
    """Return what gives a finding's id as the asker knows it."""
    if ask.is_operator:
        return None
    # Where there is none yet it is written, which must not wait for an end
    # of the reading that is about to begin.
    ask.key()
    return functools.partial(ident.outer, ask)


def _period(ask: Asked) -> period.Period:
    """Return what was asked for, if it has begun."""
    when = _asked(ask)
    if when.since_us > ask.now_us:
        name = 'since' if ask.query.month is None else 'month'
        now = period.local(ask.now_us, datetime.UTC)
        raise problem.bad_query(
            f'{name}: this period has not begun; now it is {now:%Y-%m-%d}.'
        )
    return when


def _asked(ask: Asked) -> period.Period:
    """Return the month, the time between, or the month so far."""
    query = ask.query
    if query.month is not None:
        if query.since is not None or query.until is not None:
            raise problem.bad_query('month: or since and until, not both.')
        return _month(query.month)
    if query.since is None and query.until is None:
        now = period.local(ask.now_us, datetime.UTC)
        return _month(f'{now:%Y-%m}')
    if query.since is None:
        raise problem.bad_query('since: needed with until.')
    since_us, until_us = moment.period(
        query.since, query.until, ask.now_us, _LONGEST_US
    )
    return period.Period(since_us, until_us, datetime.UTC, _ZONE)


def _month(text: str) -> period.Period:
    try:
        return period.month(text, datetime.UTC, _ZONE)
    except ValueError as why:
        raise problem.bad_query(f'month: {why}.') from None
