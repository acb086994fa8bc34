# SPDX-License-Identifier: Apache-2.0
"""What the embedded log forgets: by time, and by key in compacted topics."""

from kvm_insight.bus import log, schema

_AT_ONCE = 2000


def tidy(records: log.Log, now_ms: int, tombstone_ms: int) -> None:
    """Drop what is too old, compact, and give free pages back.

    A tombstone stays for ``tombstone_ms``, so that every reader sees it.
    """
    for part, retention_ms, compacted in records.query(schema.PARTS):
        if retention_ms is not None:
            _expire(records, part, now_ms - retention_ms)
        if compacted:
            _compact(records, part, now_ms - tombstone_ms)
    records.shrink()


def _expire(records: log.Log, part: int, before_ms: int) -> None:
    gone = _AT_ONCE
    # In pieces: whoever writes must not wait for all of it.
    while gone == _AT_ONCE:
        with records.transaction() as connection:
            gone = connection.execute(
                schema.EXPIRE, (part, before_ms, _AT_ONCE)
            ).rowcount


def _compact(records: log.Log, part: int, before_ms: int) -> None:
    with records.transaction() as connection:
        connection.execute(schema.KEY_INDEX)
        connection.execute(schema.COMPACT, (part, before_ms))
