# SPDX-License-Identifier: Apache-2.0
"""Login: a token becomes a session of the browser.

The token is not looked at here: whether it is one is found out by whoever
looks at it for all other requests, with the next page.
"""

import re
from collections.abc import Mapping

from kvm_insight.api import password

#: What may stand in a cookie; Keystone's and ours do.
_TOKEN = re.compile(r'[A-Za-z0-9_.~+/=-]{16,3800}')
_PATH = re.compile(r'/(?![/\\])[^\\\x00-\x20\x7f]*')


def token(
    told: Mapping[str, str], sign_in: password.SignIn | None
) -> str | None:
    """Return the token that somebody pasted, or that Keystone gives for a
    name and a password; None if there is none."""
    user = told.get('user', '').strip()
    if not user or sign_in is None:
        found = told.get('token', '').strip()
    else:
        found = sign_in(_credentials(user, told)) or ''
    return found if _TOKEN.fullmatch(found) else None


def _credentials(user: str, told: Mapping[str, str]) -> password.Credentials:
    domain = told.get('domain', '').strip() or 'Default'
    return password.Credentials(
        user=user,
        password=told.get('password', ''),
        domain=domain,
        project=told.get('project', '').strip() or None,
        project_domain=told.get('project_domain', '').strip() or domain,
    )


def safe(where: str | None) -> str:
    """Return where to go on: a page of ours, whatever was asked for."""
    return where if where and _PATH.fullmatch(where) else '/'
