# SPDX-License-Identifier: Apache-2.0
"""Authentication without Keystone: the token is in a file of this machine.

``--os-auth-type kvm_insight`` chooses it, as ``auth_type`` does in
``clouds.yaml``. The token is never an argument, which others could see.
"""

import pathlib

from keystoneauth1 import loading, token_endpoint
from osc_lib import exceptions

ENDPOINT = 'http://127.0.0.1:9775'
TOKEN_FILE = '/var/lib/kvm-insight/api-token'  # noqa: S105

_MOST = 4096


class FromFile(token_endpoint.Token):
    """Shows the token of a file to one endpoint."""

    def __init__(
        self, endpoint: str | None = None, path: str | None = None
    ) -> None:
        """Read it; raise CommandError if that cannot be."""
        token = read(pathlib.Path(path or TOKEN_FILE))
        super().__init__(endpoint or ENDPOINT, token)


def read(path: pathlib.Path) -> str:
    """Return the token in a file; raise CommandError if there is none."""
    try:
        with path.open(encoding='ascii') as file:
            token = file.read(_MOST).strip()
    except OSError as why:
        raise exceptions.CommandError(
            f'{path}: {why.strerror}; name the file that [api] token_file of'
            ' the service names, with --os-insight-token-file or'
            ' OS_INSIGHT_TOKEN_FILE, and be allowed to read it'
        ) from None
    except UnicodeDecodeError:
        token = ''
    if not token or not token.isprintable():
        raise exceptions.CommandError(
            f'{path}: there is no token in it; name the file that [api]'
            ' token_file of the service names'
        )
    return token


class TokenFile(loading.BaseLoader):  # type: ignore[type-arg]
    """The token in a file, of an API that has no Keystone (kvm_insight)."""

    @property
    def plugin_class(self) -> type[FromFile]:
        """Return what is made."""
        return FromFile

    def get_options(self) -> list[loading.Opt]:
        """Return where to ask, and where the token is."""
        return [
            *super().get_options(),
            loading.Opt(
                'endpoint',
                help=f'The endpoint of kvm-insight-api ({ENDPOINT})',
            ),
            loading.Opt(
                'insight-token-file',
                dest='path',
                help=f'The file with its token ({TOKEN_FILE})',
            ),
        ]
