# SPDX-License-Identifier: Apache-2.0
"""Text of the wire as all three databases can keep it.

There it may have 1024 characters and any among them; a column has fewer, and
PostgreSQL keeps no NUL. What a row is found by stays as unequal as it was.
"""

import hashlib

WORD = 255
HOST = 512
KEY = 700
_DIGEST = 64


def shown(text: str | None, most: int = WORD) -> str | None:
    """Return what people read, cut where it is too long."""
    return None if text is None else text.replace('\0', '\ufffd')[:most]


def key(text: str, most: int = WORD) -> str:
    """Return what a row is found by; a digest ends what is too long."""
    if len(text) <= most and '\0' not in text:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()
    begin = text.replace('\0', '\ufffd')[: most - _DIGEST - 1]
    return f'{begin}~{digest}'
