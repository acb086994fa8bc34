# SPDX-License-Identifier: Apache-2.0
import pathlib

import pytest
from osc_lib import exceptions

from kvm_insight.osc import auth


def test_the_token_is_what_is_in_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'token'
    path.write_text('a-token\n')
    made = auth.TokenFile().load_from_options(path=str(path))
    assert made.get_token(None) == 'a-token'
    assert made.get_endpoint(None) == auth.ENDPOINT


@pytest.mark.parametrize(
    'content', [b'', b'\n', b'\xff\xfe', 'tökèn'.encode(), b'two\nlines']
)
def test_what_is_no_token_is_refused_without_showing_it(
    tmp_path: pathlib.Path, content: bytes
) -> None:
    path = tmp_path / 'token'
    path.write_bytes(content)
    with pytest.raises(exceptions.CommandError, match='no token') as why:
        auth.read(path)
    assert 'lines' not in str(why.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exceptions.CommandError, match='none: No such file'):
        auth.read(tmp_path / 'none')
    with pytest.raises(exceptions.CommandError, match='Is a directory'):
        auth.read(tmp_path)
