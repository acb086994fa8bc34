# SPDX-License-Identifier: Apache-2.0
"""Opaque: a finding's id as one project knows it.

It is the time when the finding was opened, which the project is told anyway,
and a keyed hash of project and id: another project has another id for the
same finding, and nobody can tell without the key that it is the same. The
time finds it again without a table.
"""

import hashlib
import hmac
import re

_FORM = re.compile(r'([0-9a-f]{1,14})-([0-9a-f]{32})')


def made(key: bytes, project: str, ident: str, opened_us: int) -> str:
    """Return the id that a project is told."""
    text = f'{len(project)}:{project}:{ident}'.encode()
    word = hmac.new(key, text, hashlib.sha256).hexdigest()[:32]
    return f'{opened_us:x}-{word}'


def opened(text: str) -> int | None:
    """Return when the finding was opened; None if that is no such id."""
    form = _FORM.fullmatch(text)
    return None if form is None else int(form[1], 16)


def is_it(
    text: str, key: bytes, project: str, ident: str, opened_us: int
) -> bool:
    """Say whether the project's id means that finding."""
    return hmac.compare_digest(text, made(key, project, ident, opened_us))
