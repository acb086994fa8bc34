# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight db`` and others where there is no database yet."""

import pathlib
import signal
import stat
from collections.abc import Iterator

import pytest

from kvm_insight.cmd import insight, recorder, service


def config(tmp_path: pathlib.Path, path: pathlib.Path) -> list[str]:
    file = tmp_path / 'insight.conf'
    file.write_text(
        f'[database]\nconnection = sqlite:///{path}\n'
        f'[bus]\ndriver = embedded\npath = {tmp_path}/bus.db\n'
    )
    return ['--config-file', str(file)]


@pytest.mark.parametrize('name', ['store.db', 'typo/store.db'])
@pytest.mark.parametrize(
    ('words', 'code'),
    [
        (['db', 'check'], service.UNHEALTHY),
        (['db', 'purge', '--before', '2026-01-01'], service.MISUSED),
        (['db', 'downgrade', 'base', '--yes'], service.MISUSED),
        (
            ['report', '--project', 'x', '--month', '2026-11'],
            service.MISUSED,
        ),
    ],
)
def test_what_makes_no_tables_says_that_there_are_none_and_makes_nothing(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    name: str,
) -> None:
    path = tmp_path / name
    switches = config(tmp_path, path)
    before = set(tmp_path.iterdir())
    assert insight.main([*switches, *words]) == code
    told = ''.join(capsys.readouterr())
    assert f'there is no database at {path}: run kvm-insight db' in told
    assert told.count('\n') == 1
    assert set(tmp_path.iterdir()) == before


@pytest.fixture
def handlers() -> Iterator[None]:
    """A service takes signals; here they are given back."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(one) for one in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures('handlers')
@pytest.mark.parametrize('name', ['store.db', 'typo/store.db'])
def test_a_recorder_makes_no_database(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / name
    assert recorder.main(config(tmp_path, path)) == service.MISUSED
    assert f'no database at {path}' in capsys.readouterr().err
    assert not path.exists()
    assert not (tmp_path / 'typo').exists()


def test_upgrade_makes_a_file_for_its_owner_and_no_folder(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'store.db'
    switches = config(tmp_path, path)
    assert insight.main([*switches, 'db', 'upgrade']) == service.OK
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert insight.main([*switches, 'db', 'check']) == service.OK
    typo = config(tmp_path, tmp_path / 'typo' / 'store.db')
    assert insight.main([*typo, 'db', 'upgrade']) == service.MISUSED
    assert f'no folder {tmp_path}/typo' in capsys.readouterr().err
    assert not (tmp_path / 'typo').exists()


def test_the_database_of_a_standalone_is_found_by_its_folder(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / 'empty.conf'
    file.touch()
    state = ['--state', str(tmp_path)]
    plain = ['--config-file', str(file)]
    assert insight.main([*plain, 'db', 'upgrade', *state]) == service.OK
    assert (tmp_path / 'store.db').exists()
    assert insight.main([*plain, 'db', 'check', *state]) == service.OK
    before = ['--before', '2026-01-01']
    assert insight.main([*plain, 'db', 'purge', *before, *state]) == service.OK
    words = ['report', '--project', 'shop', '--month', '2026-11', *state]
    assert insight.main([*plain, *words]) == service.MISUSED
    assert 'no such project' in capsys.readouterr().err


@pytest.mark.parametrize(
    'words',
    [['db', 'check'], ['report', '--project', 'x', '--month', '2026-11']],
)
def test_two_databases_are_one_too_many(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    switches = config(tmp_path, tmp_path / 'other.db')
    asked = [*switches, *words, '--state', str(tmp_path)]
    assert insight.main(asked) == service.MISUSED
    told = capsys.readouterr().err
    assert '--state' in told
    assert '[database] connection' in told
