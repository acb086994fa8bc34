# SPDX-License-Identifier: Apache-2.0
"""Login: a token becomes a session of the browser.

The token is not looked at here: whether it is one is found out by whoever
looks at it for all other requests, with the next page.
"""

import re

#: What may stand in a cookie; Keystone's and ours do.
_TOKEN = re.compile(r'[A-Za-z0-9_.~+/=-]{16,3800}')
_PATH = re.compile(r'/(?![/\\])[^\\\x00-\x20\x7f]*')


def token(text: str) -> str | None:
    """Return the token that somebody pasted; None if it cannot be one."""
    found = text.strip()
    return found if _TOKEN.fullmatch(found) else None


def safe(where: str | None) -> str:
    """Return where to go on: a page of ours, whatever was asked for."""
    return where if where and _PATH.fullmatch(where) else '/'
