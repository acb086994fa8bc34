# SPDX-License-Identifier: Apache-2.0
"""Records go to whoever takes those of their topic."""

import pytest

from kvm_insight import exception
from kvm_insight.bus import dispatch, port


def record(name: str, key: str | None, value: bytes | None) -> port.Record:
    return port.Record(port.Partition(name, 0), 7, key, value, 0, {})


def test_each_topic_has_its_taker_and_damage_is_passed_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken: list[tuple[str, str, bytes | None]] = []

    def damaged(key: str, value: bytes | None) -> None:
        raise exception.RecordDamaged('no record')

    one = dispatch.Dispatch(
        'p.', {'a': lambda k, v: taken.append(('a', k, v)), 'b': damaged}
    )
    assert one.topics == ['p.a', 'p.b']
    one.take(record('p.a', None, b'x'))
    one.take(record('p.b', 'k', b'y'))
    one.take(record('p.a', 'gone', None))
    assert taken == [('a', '', b'x'), ('a', 'gone', None)]
    assert 'p.b/0: no record' in caplog.text
