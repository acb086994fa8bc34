# SPDX-License-Identifier: Apache-2.0
"""Options, commands and entry points are documented, and stay so."""

import argparse
import configparser
import importlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import openapi_spec_validator
import pytest
from oslo_policy import policy as oslo_policy

from kvm_insight import conf
from kvm_insight.api import openapi, policy, problem, routes

DOC = pathlib.Path('doc/source')


def parsers(
    parser: argparse.ArgumentParser, name: str
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """This parser and those of its verbs, with their whole names."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, inner in action.choices.items():
                yield from parsers(inner, f'{name} {verb}')


def test_the_sample_configuration_is_current(tree: pathlib.Path) -> None:
    sample = tree / 'etc/kvm-insight/kvm-insight.conf.sample'
    words = ['--namespace', 'kvm_insight', '--wrap-width', '79']
    code = (
        'import sys; from oslo_config import generator; '
        'sys.exit(generator.main())'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert sample.read_text() == done.stdout, 'run: tox -e genconfig'


@pytest.mark.parametrize(
    ('group', 'name', 'text'),
    [
        (group, option.name, option.help)
        for group, options in conf.list_opts()
        for option in options
    ],
)
def test_each_option_says_what_it_does(
    group: str, name: str, text: str | None
) -> None:
    assert text, f'[{group}] {name}'
    assert len(text) > 20, f'[{group}] {name}: {text}'


def test_each_command_and_switch_is_documented(tree: pathlib.Path) -> None:
    insight = importlib.import_module('kvm_insight.cmd.insight')
    page = (tree / DOC / 'commands.md').read_text()
    missing = set()
    for name, parser in parsers(insight.parser(), 'kvm-insight'):
        if f'`{name}' not in page:
            missing.add(name)
        for action in parser._actions:
            for switch in action.option_strings:
                if switch.startswith('--') and switch not in page:
                    missing.add(f'{name} {switch}')
    assert missing == set()


def test_each_entry_point_loads_and_is_documented(
    tree: pathlib.Path,
) -> None:
    setup = configparser.ConfigParser()
    setup.read(tree / 'setup.cfg')
    pages = '\n'.join(path.read_text() for path in (tree / DOC).rglob('*.md'))
    for group, lines in setup['entry_points'].items():
        for line in filter(None, lines.splitlines()):
            name, target = (word.strip() for word in line.split('='))
            module, _, attribute = target.partition(':')
            if group.startswith('watcher_'):
                # Watcher is elsewhere; its own test loads these.
                path = tree / f'{module.replace(".", "/")}.py'
                assert f'\nclass {attribute}(' in path.read_text()
            else:
                found = importlib.import_module(module)
                assert not attribute or hasattr(found, attribute)
            if group.startswith('openstack.insight.'):
                name = f'openstack {name.replace("_", " ")}'
            assert f'`{name}`' in pages, f'{name} is not documented'


@pytest.mark.parametrize(
    ('tool', 'name'),
    [
        ('tools/accuracy.py', 'accuracy.md'),
        ('tools/advice_effects.py', 'advice_effects.md'),
        ('tools/checks_reference.py', 'checks.md'),
        ('tools/exposed_reference.py', 'prometheus.md'),
        ('tools/openstack_cli.py', 'openstack.md'),
    ],
)
def test_a_page_that_is_generated_is_current(
    tree: pathlib.Path, tool: str, name: str
) -> None:
    done = subprocess.run(
        [sys.executable, tool],
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    page = (tree / DOC / 'reference' / name).read_text()
    assert page == done.stdout, f'{tool} > {DOC}/reference/{name}'


def test_the_document_of_the_api_is_current(tree: pathlib.Path) -> None:
    page = tree / DOC / 'reference/openapi.json'
    assert page.read_text() == openapi.text(), (
        f'python -m kvm_insight.api.openapi > {DOC}/reference/openapi.json'
    )
    openapi_spec_validator.validate(openapi.made())


def test_each_way_of_the_api_has_a_policy_and_is_told_of(
    tree: pathlib.Path,
) -> None:
    documented = {
        (way['method'], way['path'])
        for one in policy.list_rules()
        if isinstance(one, oslo_policy.DocumentedRuleDefault)
        for way in one.operations
    }
    names = {one.name for one in policy.list_rules()}
    page = (tree / DOC / 'api.md').read_text()
    for address, methods in routes.ROUTES.items():
        for method, one in methods.items():
            path = address.replace('+}', '}')
            assert (method, path) in documented
            assert one.policy in names
            assert f'`{path}`' in page, path


def test_each_code_of_a_failure_is_told_of(tree: pathlib.Path) -> None:
    page = (tree / DOC / 'api.md').read_text()
    codes = {
        value
        for name, value in vars(problem).items()
        if name.isupper() and isinstance(value, str)
    }
    assert len(codes) > 10
    assert {one for one in codes if f'`{one}`' not in page} == set()


def test_the_sample_of_the_policy_is_current(tree: pathlib.Path) -> None:
    words = ['--namespace', 'kvm_insight']
    code = (
        'import sys; from oslo_policy import generator; '
        'sys.exit(generator.generate_sample())'
    )
    done = subprocess.run(
        [sys.executable, '-c', code, *words],
        capture_output=True,
        text=True,
        check=True,
    )
    sample = tree / 'etc/kvm-insight/api-policy.yaml.sample'
    assert sample.read_text() == done.stdout, 'run: tox -e genpolicy'
