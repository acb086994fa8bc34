# SPDX-License-Identifier: Apache-2.0
"""Our services as an operator starts them: a process with a file."""

import contextlib
import pathlib
import subprocess
import sys
from collections.abc import Iterator

CODE = (
    'import sys; from kvm_insight.cmd import {}; '
    'sys.exit({}.main(sys.argv[1:]))'
)


def configured(path: pathlib.Path, groups: dict[str, dict[str, str]]) -> None:
    """Write a configuration."""
    lines = []
    for group, options in groups.items():
        lines.append(f'[{group}]')
        lines += [f'{name} = {value}' for name, value in options.items()]
    path.write_text('\n'.join(lines) + '\n')


def start(
    name: str, config: pathlib.Path, *verb: str
) -> 'subprocess.Popen[str]':
    """Start one; what it says comes by its standard error."""
    return subprocess.Popen(
        [
            *(sys.executable, '-c', CODE.format(name, name), *verb),
            *('--config-file', str(config)),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def running(
    names: list[str], config: pathlib.Path
) -> Iterator[dict[str, 'subprocess.Popen[str]']]:
    """Run these meanwhile; each must end well when it is told to."""
    children = {name: start(name, config) for name in names}
    try:
        yield children
    finally:
        for child in children.values():
            child.terminate()
        said = {
            name: child.communicate(timeout=60)[1]
            for name, child in children.items()
        }
    codes = {name: child.returncode for name, child in children.items()}
    assert set(codes.values()) == {0}, said
    for words in said.values():
        assert 'Traceback' not in words, words
