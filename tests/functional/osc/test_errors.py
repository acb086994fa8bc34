# SPDX-License-Identifier: Apache-2.0
"""What goes wrong is said in a line, with what to do, and status 1."""

import pathlib
import subprocess

import pytest

from tests import filling
from tests.functional.osc import conftest

Done = subprocess.CompletedProcess[str]

#: What is asked for -> what must be told.
FAILURES = {
    'insight host show r/nope': "No host with the name 'r/nope' is known",
    'insight host list --sort color': 'Invalid enum value',
    'insight host list --limit 0': '--limit: 0: at least 1',
    'insight finding list --since yesterday': 'since',
    'insight instance ledger nobody': 'the id or the name',
    f'insight instance show {filling.uuid(99)}': 'insight.not_found',
    'insight recommendation approve r-2': 'The recommendation is executed',
    'insight recommendation approve r-1 --fingerprint old': 'other facts',
    'insight mute create --host r/h1 --until 2020-01-01': 'in the future',
    'insight mute create --host r/h1 --for 1y': 'no length like',
    'insight mute create': 'one of the arguments',
    'insight mute delete host/r/h1/never': '1 of 1 could not be deleted',
    'insight blackout create --cloud --every 1d': 'every_s: needs',
    'insight report show': 'say which with --project',
    'insight report show --project shop': '"openstack insight instance list"',
    'insight report show --project x --file f.txt': '--format-of-report',
}


#: What is asked for once more, each alone -> its status; argparse's own is 2.
STATUSES = {
    'insight host show r/nope': 1,
    'insight mute create': 2,
    'insight mute delete host/r/h1/never': 1,
    '--os-insight-api-version 1.99 insight host list': 1,
    '--os-insight-api-version 2 insight host list': 1,
}


@pytest.fixture(scope='module')
def errors(cloud: conftest.Cloud) -> str:
    """What one ``openstack`` says to all of them."""
    out, found = conftest.interactive(cloud.environment(), list(FAILURES))
    assert set(out) == {''}
    return found


@pytest.mark.parametrize('words', FAILURES)
def test_it_says_why_not(errors: str, words: str) -> None:
    assert FAILURES[words] in errors


def test_nothing_is_said_but_why_not(errors: str) -> None:
    assert 'Traceback' not in errors
    said = [
        line
        for line in errors.splitlines()
        # argparse's own goes over several lines.
        if line and not line.startswith(('usage: ', ' '))
    ]
    assert len(said) == len(FAILURES) + 1, said


@pytest.mark.parametrize('words', STATUSES)
def test_the_status_is_one_or_that_of_bad_usage(
    cloud: conftest.Cloud, words: str
) -> None:
    done = conftest.openstack(cloud.environment(), *words.split())
    assert done.returncode == STATUSES[words]
    assert done.stdout == ''
    assert FAILURES.get(words, '--os-insight-api-version') in done.stderr
    assert 'Traceback' not in done.stderr


def ask(**more: str) -> Done:
    return conftest.openstack(
        conftest.environment(**more), 'insight', 'mute', 'list'
    )


def refused(done: Done, why: str) -> None:
    assert done.returncode == 1, done
    assert why in done.stderr
    assert 'Traceback' not in done.stderr


def test_a_wrong_token_is_told_with_the_remedy(
    cloud: conftest.Cloud, tmp_path: pathlib.Path
) -> None:
    (tmp_path / 'token').write_text('wrong' * 10)
    done = ask(
        OS_AUTH_TYPE='kvm_insight',
        OS_ENDPOINT=cloud.endpoint,
        OS_INSIGHT_TOKEN_FILE=str(tmp_path / 'token'),
    )
    refused(done, 'Show another token')
    assert 'wrongwrong' not in done.stderr


def test_a_token_file_that_is_not_there_is_named(
    cloud: conftest.Cloud, tmp_path: pathlib.Path
) -> None:
    done = ask(
        OS_AUTH_TYPE='kvm_insight',
        OS_ENDPOINT=cloud.endpoint,
        OS_INSIGHT_TOKEN_FILE=str(tmp_path / 'none'),
    )
    refused(done, 'none: No such file or directory; name the file')


def test_no_service_there_is_told(cloud: conftest.Cloud) -> None:
    done = ask(
        OS_AUTH_TYPE='kvm_insight',
        OS_ENDPOINT=f'http://127.0.0.1:{conftest.free_port()}',
        OS_INSIGHT_TOKEN_FILE=str(cloud.token_file),
    )
    refused(done, 'kvm-insight-api does not answer')


def test_without_authentication_the_remedy_is_told(
    cloud: conftest.Cloud,
) -> None:
    done = ask(OS_AUTH_TYPE='none', OS_ENDPOINT=cloud.endpoint)
    refused(done, '--os-auth-type kvm_insight')
