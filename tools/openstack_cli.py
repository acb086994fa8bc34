#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints doc/source/reference/openstack.md: commands of openstack insight."""

import argparse
import configparser
import importlib
import inspect
import pathlib
import warnings
from collections.abc import Iterator

TREE = pathlib.Path(__file__).resolve().parent.parent
GROUP = 'openstack.insight.v1'
HEAD = """\
# `openstack insight`

What each command does, and its own options; all have cliff's options of
output beside them, `--help` and `-f` among them. How to install it, and how to
say whom to ask, is in *The command line of OpenStack*.
"""


def commands() -> Iterator[tuple[str, type]]:
    """Yield the commands of setup.cfg, each with its whole name."""
    setup = configparser.ConfigParser()
    setup.read(TREE / 'setup.cfg')
    for line in filter(None, setup['entry_points'][GROUP].splitlines()):
        name, target = (word.strip() for word in line.split('='))
        module, attribute = target.split(':')
        found = getattr(importlib.import_module(module), attribute)
        yield f'openstack {name.replace("_", " ")}', found


def own(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what a command adds to what cliff gives all of them."""
    groups = (parser._positionals, parser._optionals)
    return [
        action
        for group in groups
        for action in group._group_actions
        if '--help' not in action.option_strings
    ]


def line(action: argparse.Action) -> str:
    """Return one argument and its help."""
    words = [*action.option_strings] or [str(action.metavar)]
    if action.option_strings and action.nargs != 0:
        given = str(action.metavar)
        if action.choices:
            given = '{' + ','.join(map(str, action.choices)) + '}'
        words[-1] += f' {given}'
    return f'* `{", ".join(words)}`: {action.help}'


def section(name: str, made: type) -> str:
    """Return one command."""
    parser = made(None, None).get_parser(name)
    text = inspect.cleandoc(made.__doc__ or '')
    lines = '\n'.join(map(line, own(parser)))
    return f'## `{name}`\n\n{text}\n' + (f'\n{lines}\n' if lines else '')


def main() -> None:
    """Print the page."""
    sections = [section(name, made) for name, made in sorted(commands())]
    print('\n'.join([HEAD, *sections]), end='')


if __name__ == '__main__':
    warnings.simplefilter('ignore')
    main()
