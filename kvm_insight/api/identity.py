# SPDX-License-Identifier: Apache-2.0
"""Identity: who asks, as Keystone or the token in the file says."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol

Environ = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """One who may ask; what for is the policy's affair."""

    user_id: str
    user_name: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    #: ``all``, of a token for the whole system.
    system_scope: str | None = None
    roles: tuple[str, ...] = ()
    is_admin_project: bool = True

    @property
    def name(self) -> str:
        """Return how people call this one."""
        return self.user_name or self.user_id

    def credentials(self) -> dict[str, Any]:
        """Return it in oslo.policy's words."""
        return {
            'user_id': self.user_id,
            'project_id': self.project_id,
            'domain_id': self.domain_id,
            'system_scope': self.system_scope,
            'roles': list(self.roles),
            'is_admin_project': self.is_admin_project,
        }


class Authentication(Protocol):
    """Keystone's, or that of one machine alone."""

    @property
    def challenge(self) -> str:
        """Return what ``WWW-Authenticate`` says."""

    def identify(self, environ: Environ) -> Identity | None:
        """Return who asks; None if that is not proven."""
