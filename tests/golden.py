# SPDX-License-Identifier: Apache-2.0
"""The recommendation of the golden records, and such as stand now."""

import pathlib
import time

import msgspec

from kvm_insight.model import codec, recommendation

_PATH = pathlib.Path(__file__).with_name('unit') / (
    'model/golden/recommendation-1.json'
)
_LASTS_US = 600_000_000


def recommended() -> recommendation.Recommendation:
    """Return it as it was recorded."""
    text = _PATH.read_bytes().strip()
    return codec.decode(text, recommendation.Recommendation)


def to_move(
    instance: str, name: str, source: str, destination: str
) -> recommendation.Recommendation:
    """Return one that may be carried out now: one move."""
    one = recommended()
    move = msgspec.structs.replace(
        one.moves[0],
        instance=instance,
        name=name,
        source=source,
        destination=destination,
    )
    return msgspec.structs.replace(
        one,
        moves=[move],
        state='proposed',
        validity=recommendation.Validity(),
        expires_us=time.time_ns() // 1000 + _LASTS_US,
        outcome=None,
    )
