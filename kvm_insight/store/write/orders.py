# SPDX-License-Identifier: Apache-2.0
"""What people say, as it holds; the bus's order counts."""

from collections.abc import Sequence

import sqlalchemy as sa

from kvm_insight.model import control
from kvm_insight.store import table, text
from kvm_insight.store.write import told, upsert

_Order = told.Told[control.Order]


def write(connection: sa.Connection, records: Sequence[_Order]) -> None:
    """Write the last word in each matter; forget what was taken back."""
    last = {text.key(one.key, text.KEY): one for one in records}
    gone = [key for key, one in last.items() if one.record is None]
    for part in upsert.chunks(sorted(gone)):
        connection.execute(
            table.ORDER.delete().where(table.ORDER.c.key.in_(part))
        )
    upsert.put(
        connection,
        table.ORDER,
        [
            _row(key, one.record, one.raw)
            for key, one in last.items()
            if one.record is not None
        ],
    )


def _row(key: str, one: control.Order, raw: bytes) -> upsert.Row:
    return {
        'key': key,
        'kind': one.kind,
        'about': one.about,
        'subject': text.key(one.subject, text.HOST),
        'made_us': one.made_us,
        'ends_us': one.ends_us,
        'record': raw,
    }
