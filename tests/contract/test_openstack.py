# SPDX-License-Identifier: Apache-2.0
"""``openstack insight`` asks what the API answers, and nothing else."""

import importlib
import pkgutil
import subprocess
import sys
from typing import Any, get_args

import msgspec
import pytest

from kvm_insight import osc
from kvm_insight.api import routes, version
from kvm_insight.osc import listing, plugin, report, table

MODULES = [
    importlib.import_module(f'kvm_insight.osc.{one.name}')
    for one in pkgutil.iter_modules(osc.__path__)
]
LISTS: list[listing.List] = [
    made for one in MODULES if (made := getattr(one, 'LIST', None))
]
#: What no room of ours and no service may be needed for.
HEAVY = ('numpy', 'kafka', 'msgspec', 'libvirt', 'sqlalchemy', 'oslo_config')


def named(one: listing.List) -> str:
    return one.path


def words(annotation: Any) -> set[str]:
    """Return all words that a type allows."""
    found: set[str] = set()
    for one in get_args(annotation):
        found |= {one} if isinstance(one, str) else words(one)
    return found


def query(one: listing.List) -> dict[str, msgspec.structs.FieldInfo]:
    asked = routes.ROUTES[one.path]['GET'].query
    return {field.name: field for field in msgspec.structs.fields(asked)}


@pytest.mark.parametrize('one', LISTS, ids=named)
def test_each_list_can_be_asked_for_all_that_the_api_knows(
    one: listing.List,
) -> None:
    known = query(one)
    offered = {given.parameter for given in one.filters}
    offered |= {'limit', 'marker'} if one.paged else set()
    offered |= {'sort_key', 'sort_dir'} if one.sorts else set()
    # Columns are chosen by cliff.
    assert offered == set(known) - {'fields'}


@pytest.mark.parametrize('one', LISTS, ids=named)
def test_each_choice_is_one_of_the_api(one: listing.List) -> None:
    known = query(one)
    if one.sorts:
        assert set(one.sorts) == words(known['sort_key'].type)
    for given in one.filters:
        if given.parameter in ('enabled', 'gone'):
            continue
        assert set(given.choices or ()) == words(known[given.parameter].type)


@pytest.mark.parametrize('one', MODULES, ids=lambda one: str(one.__name__))
def test_each_column_is_of_something_that_the_api_answers(one: Any) -> None:
    made: listing.List | None = getattr(one, 'LIST', None)
    fields: tuple[table.Field, ...] = getattr(one, '_FIELDS', ())
    if made is None or not fields:
        return
    answer = routes.ROUTES[made.path]['GET'].answer
    assert answer is not None
    (rows,) = (
        field.type
        for field in msgspec.structs.fields(answer)
        if field.name == made.key
    )
    (row,) = get_args(rows)
    assert {field.key for field in fields} <= set(row.__struct_fields__)


def test_a_report_can_be_had_in_all_forms_and_tables_of_the_api() -> None:
    asked = routes.ROUTES['/v1/projects/{id}/report']['GET'].query
    known = {one.name: one for one in msgspec.structs.fields(asked)}
    made: Any = report.Show
    parser = made(None, None).get_parser('x')
    offered = {one.dest: set(one.choices or ()) for one in parser._actions}
    assert offered['format_of_report'] == words(known['format'].type)
    assert offered['table'] == words(known['table'].type)
    assert set(offered) >= set(known) - {'format'}


def test_the_version_that_is_asked_for_is_one_of_the_api() -> None:
    major, minor = map(int, plugin.DEFAULT_API_VERSION.split('.'))
    asked = version.Version(major, minor)
    assert version.LEAST <= asked <= version.NEWEST


def test_it_runs_where_nothing_else_of_ours_is_installed() -> None:
    names = [one.__name__ for one in MODULES]
    code = (
        'import importlib, sys, warnings\n'
        'warnings.simplefilter("ignore")\n'
        'class Missing:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        '        ours = name.startswith("kvm_insight.")\n'
        '        ours = ours and not name.startswith("kvm_insight.osc")\n'
        f'        if ours or name.split(".")[0] in {HEAVY}:\n'
        '            raise ImportError(name)\n'
        'sys.meta_path.insert(0, Missing())\n'
        f'for name in {names}:\n'
        '    importlib.import_module(name)\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
