# SPDX-License-Identifier: Apache-2.0
"""What goes wrong is said in a line, with what to do, and status 1."""

import concurrent.futures
import pathlib
import subprocess
from collections.abc import Iterator, Mapping

import pytest

from tests.functional.osc import conftest

Done = subprocess.CompletedProcess[str]

#: What is asked for -> what must be told.
FAILURES = {
    'insight host show r/nope': 'There is no such thing here',
    'insight host list --sort color': 'Invalid enum value',
    'insight host list --limit 0': '--limit: 0: at least 1',
    'insight finding list --since yesterday': 'since',
    'insight instance ledger nobody': 'insight.not_found',
    'insight recommendation approve r-2': 'The recommendation is executed',
    'insight recommendation approve r-1 --fingerprint old': 'other facts',
    'insight mute create --host r/h1 --until 2020-01-01': 'in the future',
    'insight mute create --host r/h1 --for 1y': 'no length like',
    'insight mute create': 'one of the arguments',
    'insight mute delete host/r/h1/never': '1 of 1 could not be deleted',
    'insight blackout create --cloud --every 1d': 'every_s: needs',
    'insight report show': 'say which with --project',
    'insight report show --project x --file f.txt': '--format-of-report',
    '--os-insight-api-version 1.99 insight host list': (
        'Give another --os-insight-api-version'
    ),
    '--os-insight-api-version 2 insight host list': 'give 1.0',
}


@pytest.fixture(scope='module')
def failed(cloud: conftest.Cloud) -> Iterator[Mapping[str, Done]]:
    """What came of each, two at a time."""
    surroundings = cloud.environment()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        made = pool.map(
            lambda one: conftest.openstack(surroundings, *one.split()),
            FAILURES,
        )
        yield dict(zip(FAILURES, made, strict=True))


@pytest.mark.parametrize('words', FAILURES)
def test_it_says_why_not(failed: Mapping[str, Done], words: str) -> None:
    done = failed[words]
    # argparse's own is 2.
    usage = done.stderr.startswith('usage: ')
    assert done.returncode == (2 if usage else 1), done
    assert done.stdout == ''
    assert FAILURES[words] in done.stderr
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
