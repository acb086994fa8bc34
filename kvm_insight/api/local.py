# SPDX-License-Identifier: Apache-2.0
"""Local: without Keystone whoever can read the token's file may do all.

Meant for one machine: the file is its owner's alone, and nothing but loopback
is listened on (``listening``).
"""

import hmac
import os
import pathlib
import secrets

from kvm_insight import exception
from kvm_insight.api import identity

#: The header of Keystone's tokens, and that of everybody else's.
_HEADER = 'HTTP_X_AUTH_TOKEN'
_BEARER = 'HTTP_AUTHORIZATION'
_LEAST = 32


class Local:
    """Knows one token."""

    challenge = 'Bearer realm="kvm_insight"'

    def __init__(self, token: str) -> None:
        """Let in whoever has it."""
        self._token = token.encode()

    def identify(self, environ: identity.Environ) -> identity.Identity | None:
        """Return the operator of this machine, if it is one."""
        return OPERATOR if self.is_it(_told(environ)) else None

    def is_it(self, told: str) -> bool:
        """Compare in a time that says nothing."""
        return hmac.compare_digest(
            self._token, told.encode('utf-8', 'replace')
        )


OPERATOR = identity.Identity(
    user_id='local',
    user_name='local',
    system_scope='all',
    roles=('admin', 'member', 'reader'),
)


def _told(environ: identity.Environ) -> str:
    token = environ.get(_HEADER)
    if token is None:
        kind, _, token = str(environ.get(_BEARER, '')).partition(' ')
        if kind.lower() != 'bearer':
            return ''
    return str(token).strip()


def token_of(path: pathlib.Path) -> str:
    """Return the token in a file, which is made where there is none.

    Raises ConfigError where others may read it.
    """
    try:
        _make(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor) as file:
            mode = os.fstat(file.fileno()).st_mode
            token = file.read(4096).strip()
    except OSError as why:
        raise exception.ConfigError(
            f'[api] token_file = {path}: {why.strerror}; name a file in a'
            ' folder that the service may write to'
        ) from why
    if mode & 0o077:
        raise exception.ConfigError(
            f'[api] token_file = {path}: others may read it: chmod 600, and'
            ' put another token into it'
        )
    if len(token) < _LEAST or not token.isascii() or not token.isprintable():
        raise exception.ConfigError(
            f'[api] token_file = {path}: at least {_LEAST} ASCII characters'
            ' on one line; delete it, and one is made'
        )
    return token


def _make(path: pathlib.Path) -> None:
    """Write a token, whole or not at all, unless there is one."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.{os.getpid()}.{secrets.token_hex(4)}')
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(part, flags, 0o600)
    try:
        with os.fdopen(descriptor, 'w') as file:
            file.write(secrets.token_urlsafe(32) + '\n')
        # Two that start at once have one token.
        path.hardlink_to(part)
    except FileExistsError:
        pass
    finally:
        part.unlink()
