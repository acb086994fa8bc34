# SPDX-License-Identifier: Apache-2.0
"""A recording gives back the bytes that it was given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.model import recording


def back(value: bytes | None) -> bytes | None:
    line = recording.line('sample', (1, 2), 'key', 3, value)
    assert line.endswith(b'\n')
    assert line.count(b'\n') == 1
    return recording.read(line[:-1]).content()


@given(st.binary(max_size=300))
def test_any_bytes_come_back(value: bytes) -> None:
    assert back(value) == value


@pytest.mark.parametrize(
    'value',
    [
        None,
        b'',
        b'null',
        b'{}',
        b' {"a": 1.0}',
        b'{"a":1e5,"b":"\xc3\xa9"}',
        b'{"a":\n1}',
        b'{"a":1}\r',
        b'[' * 5000,
    ],
)
def test_what_is_nearly_json_comes_back_too(value: bytes | None) -> None:
    assert back(value) == value


def test_json_stays_readable() -> None:
    line = recording.line('state', (0, 0), None, 0, b'{"schema":"x/1"}')
    assert b'"value":{"schema":"x/1"}' in line


@given(st.binary(max_size=200))
def test_what_is_no_recording_is_refused(value: bytes) -> None:
    with pytest.raises(exception.CodecError):
        recording.read(value)
