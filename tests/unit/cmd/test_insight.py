# SPDX-License-Identifier: Apache-2.0
"""The command line: verbs, exit codes, one line for each mistake."""

import pathlib
import subprocess

import pytest

from kvm_insight import exception
from kvm_insight.cmd import completion, insight, service


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test must not find the configuration of this machine."""
    monkeypatch.setattr('logging.basicConfig', lambda **_: None)


def test_each_verb_takes_a_configuration_before_and_after_it() -> None:
    parser = insight.parser()
    before = parser.parse_args(['--config-file', 'a', 'top'])
    after = parser.parse_args(['top', '--config-file', 'b'])
    assert before.config_file == ['a']
    assert after.config_file == ['b']
    assert parser.parse_args(['top']).config_file is None


@pytest.mark.parametrize(
    'words', [[], ['unknown'], ['top', '--unknown'], ['completion', 'tcsh']]
)
def test_a_wrong_word_is_a_usage_error(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        insight.main(words)
    assert caught.value.code == service.MISUSED
    assert 'usage:' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('content', 'word'),
    [
        ('[agent]\ninterval_s = soon\n', 'interval_s'),
        ('[agent]\nledger = perfect\n', 'ledger'),
        ('[log]\nlevel = LOUD\n', 'level'),
    ],
)
def test_a_wrong_option_is_named_with_its_value(
    content: str,
    word: str,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config = tmp_path / 'x.conf'
    config.write_text(content)
    code = insight.main(
        [
            'standalone',
            '--config-file',
            str(config),
            '--state',
            str(tmp_path),
        ]
    )
    assert code == service.MISUSED
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert word in lines[0]


def test_a_configuration_that_is_not_there_is_a_usage_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert insight.main(['top', '--config-file', '/none']) == 2
    assert '/none' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('why', 'code'),
    [
        (exception.ConfigError('x'), service.MISUSED),
        (exception.BusUnavailable('x'), service.FAILED),
        (exception.BusRefused('x'), service.FAILED),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_exit_codes(why: BaseException, code: int) -> None:
    def work() -> int:
        raise why

    assert service.guard(work) == code


def test_a_defect_is_not_hidden() -> None:
    def work() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        service.guard(work)


def test_bash_understands_the_completions_and_finds_all_verbs(
    tmp_path: pathlib.Path,
) -> None:
    script = tmp_path / 'completion.bash'
    script.write_text(completion.bash(insight.parser()))
    asked = (
        f'source {script}; COMP_WORDS=(kvm-insight "$1" "$2");'
        ' COMP_CWORD=$3; _kvm_insight; echo "${COMPREPLY[@]}"'
    )

    def complete(*words: str) -> list[str]:
        done = subprocess.run(
            ['bash', '-c', asked, 'bash', *words],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.split()

    assert complete('', '', '1') == list(insight.VERBS)
    assert complete('st', '', '1') == ['standalone', 'status']
    assert '--findings' in complete('standalone', '--f', '2')
