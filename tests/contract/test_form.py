# SPDX-License-Identifier: Apache-2.0
"""Lint, format, types and layers, as tests so that one summary has all."""

import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

CHECKS = {
    'ruff finds nothing': ['-m', 'ruff', 'check', '.'],
    'the form is ruff format': ['-m', 'ruff', 'format', '--check', '.'],
    'mypy strict finds nothing': ['-m', 'mypy'],
    'each room imports only the floors below': [
        '-c',
        'from importlinter import cli; cli.lint_imports_command()',
    ],
}


@pytest.fixture(scope='module')
def running(
    tree: pathlib.Path,
) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """All checks at once, since one of them waits for the disk."""
    children = {
        name: subprocess.Popen(
            [sys.executable, *words],
            cwd=tree,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name, words in CHECKS.items()
    }
    yield children
    for child in children.values():
        child.kill()
        child.communicate()


@pytest.mark.parametrize('name', CHECKS)
def test_form(name: str, running: dict[str, subprocess.Popen[str]]) -> None:
    said, _ = running[name].communicate(timeout=240)
    assert running[name].returncode == 0, said
