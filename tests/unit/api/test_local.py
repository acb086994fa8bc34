# SPDX-License-Identifier: Apache-2.0
import pathlib
import threading

import pytest

from kvm_insight import exception
from kvm_insight.api import listening, local, problem


def test_the_token_is_made_once_and_for_its_owner_alone(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'new' / 'token'
    token = local.token_of(path)
    assert len(token) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert local.token_of(path) == token
    assert list(path.parent.iterdir()) == [path]


def test_those_who_start_at_once_have_one_token(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'token'
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(local.token_of(path)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_token_that_others_can_read_is_refused(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'token'
    local.token_of(path)
    path.chmod(0o644)
    with pytest.raises(exception.ConfigError, match='chmod 600') as why:
        local.token_of(path)
    assert path.read_text().strip() not in str(why.value)


@pytest.mark.parametrize('text', ['', 'short', 'a' * 40 + '\n' + 'b' * 40])
def test_a_token_that_is_none_is_refused(
    tmp_path: pathlib.Path, text: str
) -> None:
    path = tmp_path / 'token'
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(exception.ConfigError, match='32 ASCII'):
        local.token_of(path)


def test_a_link_is_not_followed(tmp_path: pathlib.Path) -> None:
    local.token_of(tmp_path / 'token')
    (tmp_path / 'link').symlink_to(tmp_path / 'token')
    with pytest.raises(exception.ConfigError, match='token_file'):
        local.token_of(tmp_path / 'link')


def test_who_has_the_token_is_the_operator_and_nobody_else() -> None:
    who = local.Local('t' * 40)
    for header in (
        {'HTTP_X_AUTH_TOKEN': 't' * 40},
        {'HTTP_AUTHORIZATION': 'Bearer ' + 't' * 40},
        {'HTTP_AUTHORIZATION': 'bearer  ' + 't' * 40},
    ):
        assert who.identify(header) is local.OPERATOR
    for wrong in (
        {},
        {'HTTP_X_AUTH_TOKEN': ''},
        {'HTTP_X_AUTH_TOKEN': 't' * 39},
        {'HTTP_X_AUTH_TOKEN': 't' * 41},
        {'HTTP_X_AUTH_TOKEN': '\udcff\xe9'},
        {'HTTP_AUTHORIZATION': 'Basic ' + 't' * 40},
        {'HTTP_X_IDENTITY_STATUS': 'Confirmed', 'HTTP_X_ROLES': 'admin'},
    ):
        assert who.identify(wrong) is None


@pytest.mark.parametrize('host', ['127.0.0.1', '127.0.0.7', '::1'])
def test_loopback_may_be_listened_on(host: str) -> None:
    listening.check_address(host)


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '192.0.2.1', '', 'a b'])
def test_all_else_may_not(host: str) -> None:
    with pytest.raises(exception.ConfigError, match='choose 127'):
        listening.check_address(host)


@pytest.mark.parametrize(
    'host', ['localhost', 'localhost:9775', '127.0.0.1:1', '[::1]:8', 'Mine']
)
def test_this_machine_is_called_by_its_names(host: str) -> None:
    listening.check_host(host, listening.NAMES | {'mine'})


@pytest.mark.parametrize(
    'host',
    [
        '',
        'example.org',
        'localhost.example.org',
        'example.org:9775',
        'a@example.org',
        'localhost@example.org',
        '[',
        '127.0.0.1.example.org',
    ],
)
def test_a_name_of_somebody_else_is_refused(host: str) -> None:
    with pytest.raises(problem.Problem, match='400'):
        listening.check_host(host, listening.NAMES)


@pytest.mark.parametrize('address', [None, '', '192.0.2.1', '::', 'x'])
def test_another_machine_is_refused(address: str | None) -> None:
    with pytest.raises(problem.Problem, match='403'):
        listening.check_peer(address)
    listening.check_peer('127.0.0.1')
    listening.check_peer('::1')
