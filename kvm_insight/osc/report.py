# SPDX-License-Identifier: Apache-2.0
"""``openstack insight report``: how a project's instances fared."""

import argparse
import json
import logging
import pathlib
from collections.abc import Mapping
from typing import Any

from osc_lib import exceptions
from osc_lib.command import command

from kvm_insight.osc import client, column, naming, table

LOG = logging.getLogger(__name__)

FORMS = {
    'json': 'application/json',
    'csv': 'text/csv',
    'html': 'text/html',
}


class Show(command.ShowOne):
    """Show how a project's instances fared in a month.

    What was suffered and caused is in core-seconds; what was not measured is
    told as coverage, and is no sign of health. With --file the whole report is
    written as JSON, CSV or one HTML page.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return what it understands."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--project',
            metavar='<project>',
            help='Of this project, by its id, or by its name for operators'
            ' (default: that of the token)',
        )
        parser.add_argument(
            '--month',
            metavar='<month>',
            help='Of this month, as 2026-11 (default: the month so far)',
        )
        parser.add_argument(
            '--since',
            metavar='<time>',
            help='From when on, instead of a month',
        )
        parser.add_argument(
            '--until', metavar='<time>', help='Until when (default: now)'
        )
        parser.add_argument(
            '--file',
            metavar='<file>',
            type=pathlib.Path,
            help='Write the whole report into this file',
        )
        parser.add_argument(
            '--format-of-report',
            choices=sorted(FORMS),
            help="What the file is (default: what its name's ending says)",
        )
        parser.add_argument(
            '--table',
            choices=(
                'instances',
                'timeline',
                'worst',
                'findings',
                'caused',
                'advice',
            ),
            default='instances',
            help='Which one, of CSV (default: instances)',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> table.Fields:
        """Return its figures."""
        asked = client.of(self)
        project = parsed_args.project or asked.project_id()
        if not project:
            raise exceptions.CommandError(
                'The token is of no project: say which with --project'
            )
        form = _form(parsed_args)
        path = client.address('projects', project, 'report')
        query = {
            name: value
            for name in ('month', 'since', 'until')
            if (value := getattr(parsed_args, name))
        }
        found = naming.get(asked, 'project', project, 'report', query=query)
        if form == 'json':
            _write(parsed_args.file, json.dumps(found).encode())
        elif form is not None:
            query |= {'format': form, 'table': parsed_args.table}
            _write(parsed_args.file, asked.text(path, query, FORMS[form]))
        if not _is_measured(found['totals']):
            LOG.warning('%s; look again after the full hour', column.NO_HOUR)
        return shown(found)


def shown(found: Mapping[str, Any]) -> table.Fields:
    """Return what of a report a table can show."""
    words = _WORDS
    if not _is_measured(found['totals']):
        words = {**_WORDS, **_UNKNOWN}
    return table.one(_figures(found), words)


def _form(args: argparse.Namespace) -> str | None:
    """Return what to write; raise CommandError if that is not clear."""
    if args.file is None:
        if args.format_of_report:
            raise exceptions.CommandError(
                '--format-of-report: say where to with --file'
            )
        return None
    form = str(args.format_of_report or args.file.suffix.removeprefix('.'))
    if form not in FORMS:
        raise exceptions.CommandError(
            f'{args.file}: say what to write with --format-of-report'
        )
    return form


def _write(path: pathlib.Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as why:
        raise exceptions.CommandError(
            f'{path}: {why.strerror}; name a file that can be written'
        ) from None


def _figures(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of it a table can show."""
    totals = found['totals']
    cpu = totals['cpu']
    when = found['period']
    return {
        'project_id': found['project_id'],
        'project_name': found['project_name'],
        'since_us': when['since_us'],
        'until_us': when['until_us'],
        'coverage': totals['coverage'],
        'run_core_s': cpu['run_core_s'],
        'wanted_core_s': cpu['wanted_core_s'],
        'waited_core_s': cpu['waited_core_s'],
        'waited_ratio': cpu['waited_ratio'],
        'causes': cpu['causes'],
        'caused_core_s': cpu['caused_core_s'],
        'instances': found['instances'],
        'worst': found['worst'],
        'findings': found['findings'],
        'caused': found['caused'],
        'advice': found['advice'],
        'notes': found['notes'],
    }


def _causes(value: Mapping[str, float]) -> str:
    return '\n'.join(
        f'{name.replace("_", " ")}: {column.core_s(waited)}'
        for name, waited in value.items()
        if waited
    )


def _is_measured(one: Mapping[str, Any]) -> bool:
    return bool(one['cpu']['measured_s'])


def _unknown(_: object) -> str:
    return '-'


def _instance(one: Mapping[str, Any]) -> str:
    cpu = one['cpu']
    waited = column.core_s(cpu['waited_core_s']) if _is_measured(one) else '-'
    part = column.Column(cpu['waited_ratio'], column.share)
    verdict = one['sizing']['verdict']
    return column.text(
        f'{_name(one, "uuid")}: waited {waited} ({part}), {verdict}'
    )


def _worst(one: Mapping[str, Any]) -> str:
    waited = column.core_s(one['waited_core_s'])
    return column.text(
        f'{column.moment(one["start_us"])}: {_name(one, "instance")} waited'
        f' {waited} ({column.share(one["waited_ratio"])}),'
        f' most for {one["cause"].replace("_", " ")}'
    )


def _incident(one: Mapping[str, Any]) -> str:
    return column.text(f'{column.moment(one["opened_us"])}: {one["text"]}')


def _caused(one: Mapping[str, Any]) -> str:
    waited = column.core_s(one['waited_core_s'])
    return column.text(
        f'{column.moment(one["begin_us"])}: others waited {waited} for'
        f' {_name(one, "instance")} ({one["resource"]})'
    )


def _advice(one: Mapping[str, Any]) -> str:
    who = one['name'] or one['instance'] or 'all'
    return column.text(f'{one["severity"]}: {who}: {one["text"]}')


def _name(one: Mapping[str, Any], key: str) -> str:
    return str(one['name'] or one[key])


_WORDS: dict[str, column.Words] = {
    'coverage': column.share,
    'run_core_s': column.core_s,
    'wanted_core_s': column.core_s,
    'waited_core_s': column.core_s,
    'waited_ratio': column.share,
    'causes': _causes,
    'caused_core_s': column.core_s,
    'instances': column.lines(_instance),
    'worst': column.lines(_worst),
    'findings': column.lines(_incident),
    'caused': column.lines(_caused),
    'advice': column.lines(_advice),
    'notes': column.lines(column.text),
}
#: Where nothing was measured: zeros that nobody may take for health.
_UNKNOWN: dict[str, column.Words] = dict.fromkeys(
    (
        'coverage',
        'run_core_s',
        'wanted_core_s',
        'waited_core_s',
        'causes',
        'caused_core_s',
        'worst',
    ),
    _unknown,
)
