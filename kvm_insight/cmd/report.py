# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight report``: how a project's instances fared in a period."""

import argparse
import contextlib
import datetime
import difflib
import importlib.util
import pathlib
import sys
import time
import typing
import zoneinfo
from collections.abc import Iterator

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.cmd import report_file, service, store
from kvm_insight.conf import database as options
from kvm_insight.model import tenant_report
from kvm_insight.report import period, sheet

if typing.TYPE_CHECKING:
    import sqlalchemy as sa

    from kvm_insight.store import report_source

_NEAR = 5


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'report',
        help="how a project's instances fared in a month",
        description='Reads the database, and tells of one project what its'
        ' instances used, waited for and made others wait, with what part of'
        ' the time was measured. Nobody else is named in it. Ends with 3'
        ' when there is nothing to tell of the period.',
    )
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument(
        '--project', metavar='ID|NAME', help='whose report this is'
    )
    whose.add_argument(
        '--all-projects',
        action='store_true',
        help='one file for each project into the folder --output',
    )
    _add_period(parser)
    parser.add_argument(
        '--format',
        choices=report_file.FORMATS,
        default='text',
        help='eml is a mail with text and page, for sendmail -t'
        ' (default: %(default)s)',
    )
    parser.add_argument(
        '--table',
        choices=tuple(sheet.TABLES),
        default='instances',
        help='with --format csv: which one (default: %(default)s)',
    )
    parser.add_argument(
        '--output',
        type=pathlib.Path,
        metavar='PATH',
        help='write there; a folder with --all-projects',
    )
    store.add_state(parser)
    parser.add_argument('--to', metavar='ADDRESS', help='of a mail')
    parser.add_argument(
        '--from', dest='sender', metavar='ADDRESS', help='of a mail'
    )
    parser.set_defaults(func=run)


def _add_period(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--month', metavar='YYYY-MM', help='2026-11, for example; or: last'
    )
    parser.add_argument(
        '--since', metavar='TIME', help='instead of a month; ISO 8601'
    )
    parser.add_argument(
        '--until', metavar='TIME', help='with --since (default: now)'
    )
    parser.add_argument(
        '--timezone',
        default='UTC',
        metavar='NAME',
        help='of months, days and times: Europe/Berlin, for example'
        ' (default: %(default)s)',
    )


def run(args: argparse.Namespace) -> int:
    """Write the report, or one for each project."""
    loaded = service.configure(args, quiet=True)
    store.choose(loaded, args.state)
    now_us = time.time_ns() // 1000
    when = _period(args, now_us)
    if args.format == 'eml':
        # Before anything is read, and for the errors.
        report_file.letter(args.to, args.sender)
    if args.all_projects and args.output is None:
        raise exception.ConfigError(
            '--all-projects needs --output FOLDER: one file for each'
        )
    with _opened(loaded) as connection:
        if args.all_projects:
            return _all(connection, args, when, now_us)
        return _one(connection, args, when, now_us)


@contextlib.contextmanager
def _opened(loaded: cfg.ConfigOpts) -> 'Iterator[sa.Connection]':
    """Open the database, if what it needs is installed."""
    for module in ('sqlalchemy', 'alembic', 'jinja2'):
        if importlib.util.find_spec(module) is None:
            raise exception.ConfigError(
                f'reports need {module}: pip install "kvm-insight[store]"'
            )
    from kvm_insight.store import engine, report_source, schema

    database = engine.reading(options.settings(loaded))
    try:
        schema.check(database)
        with report_source.snapshot(database) as connection:
            yield connection
    finally:
        database.dispose()


def _period(args: argparse.Namespace, now_us: int) -> period.Period:
    """Return what was asked for; ConfigError says what is wrong with it."""
    zone = _zone(args.timezone)
    if bool(args.month) == bool(args.since) or (args.until and not args.since):
        raise exception.ConfigError(
            'say --month YYYY-MM, or --since TIME and maybe --until TIME'
        )
    try:
        if args.month == 'last':
            first = period.local(now_us, zone).replace(day=1)
            before = first - datetime.timedelta(days=1)
            return period.month(f'{before:%Y-%m}', zone, args.timezone)
        if args.month:
            return period.month(args.month, zone, args.timezone)
        until = args.until or period.local(now_us, zone).isoformat()
        return period.between(args.since, until, zone, args.timezone)
    except ValueError as why:
        switch = '--month' if args.month else '--since, --until'
        raise exception.ConfigError(f'{switch}: {why}') from why


def _zone(name: str) -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError) as why:
        raise exception.ConfigError(
            f'--timezone {name}: no such time zone; write it as'
            ' Europe/Berlin or UTC'
        ) from why


def _one(
    connection: 'sa.Connection',
    args: argparse.Namespace,
    when: period.Period,
    now_us: int,
) -> int:
    from kvm_insight.store import report_source

    whose = _project(report_source.projects(connection), args.project)
    made = report_source.report(connection, whose, when, now_us)
    if not made.instances:
        known = report_source.known(connection, whose)
        why = _nothing(whose, known, when, now_us)
        print(f'kvm-insight: {why}', file=sys.stderr)
        return service.UNHEALTHY
    written = _rendered(made, when, args)
    if args.output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()
    else:
        _write(args.output, written)
    return service.OK


def _project(
    known: 'list[report_source.Project]', asked: str
) -> 'report_source.Project':
    """Return the project with this id or name, if there is only one."""
    by_id = [one for one in known if one.uuid == asked]
    found = by_id or [one for one in known if one.name == asked]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ', '.join(one.uuid for one in found)
        raise exception.ConfigError(
            f'--project {asked}: more than one has this name; say which'
            f' id: {ids}'
        )
    names = [word for one in known for word in (one.name, one.uuid) if word]
    near = difflib.get_close_matches(asked, names, _NEAR, 0.5)
    hint = f'; there is: {", ".join(near)}' if near else ''
    raise exception.ConfigError(f'--project {asked}: no such project{hint}')


def _nothing(
    whose: 'report_source.Project',
    known: tuple[int, int] | None,
    when: period.Period,
    now_us: int,
) -> str:
    """Return that there is nothing, and what there is."""
    name = whose.name or whose.uuid
    if known is None:
        return f'{name} never had an instance that was measured'
    months = period.months(*known, when.zone)
    what = months[0] if len(months) == 1 else f'{months[0]} to {months[-1]}'
    if when.since_us > now_us:
        return f'this period has not begun; of {name} there is: {what}'
    return f'{name} had no instances in this period; there is: {what}'


def _all(
    connection: 'sa.Connection',
    args: argparse.Namespace,
    when: period.Period,
    now_us: int,
) -> int:
    from kvm_insight.store import report_source

    count = 0
    for whose in report_source.projects(connection):
        made = report_source.report(connection, whose, when, now_us)
        if made.instances:
            count += 1
            name = report_file.name(whose.uuid, args.format)
            _write(args.output / name, _rendered(made, when, args))
    print(f'{count} reports in {args.output}', file=sys.stderr)
    return service.OK if count else service.UNHEALTHY


def _rendered(
    made: tenant_report.TenantReport,
    when: period.Period,
    args: argparse.Namespace,
) -> bytes:
    letter = None
    if args.format == 'eml':
        letter = report_file.letter(args.to, args.sender)
    return report_file.rendered(
        made, when.zone, args.format, args.table, letter
    )


def _write(path: pathlib.Path, written: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written)
    except OSError as why:
        raise exception.ConfigError(
            f'--output {path}: {why.strerror}; name one that you may write'
        ) from why
