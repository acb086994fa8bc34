# SPDX-License-Identifier: Apache-2.0
"""Password: Keystone's token for who logs in at a page, and has none yet."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keystoneauth1 import exceptions, session
from keystoneauth1.identity import generic
from oslo_config import cfg

from kvm_insight.api import problem

_TIMEOUT_S = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody wrote into the form."""

    user: str
    password: str = dataclasses.field(repr=False)
    domain: str = 'Default'
    #: None is the whole system, for those who run it.
    project: str | None = None
    project_domain: str = 'Default'


#: Returns a token, or None where they are wrong; raises Problem.
SignIn = Callable[[Credentials], str | None]


def signer(conf: cfg.ConfigOpts) -> SignIn:
    """Return what asks the Keystone of ``[keystone_authtoken]``."""

    def sign_in(one: Credentials) -> str | None:
        group = conf.keystone_authtoken
        scope: dict[str, Any] = {'system_scope': 'all'}
        if one.project is not None:
            scope = {
                'project_name': one.project,
                'project_domain_name': one.project_domain,
            }
        auth = generic.Password(
            auth_url=group.www_authenticate_uri,
            username=one.user,
            user_domain_name=one.domain,
            password=one.password,
            **scope,
        )
        asked = session.Session(
            verify=False if group.insecure else group.cafile or True,
            timeout=_TIMEOUT_S,
        )
        return _token(auth, asked)

    return sign_in


def _token(auth: Any, asked: session.Session) -> str | None:
    try:
        token = auth.get_token(asked)
    except (exceptions.Unauthorized, exceptions.BadRequest):
        return None
    except exceptions.ClientException:
        # Its words may have an address of the cloud's inside in them.
        raise problem.Problem(
            503, problem.UNAVAILABLE, 'Keystone is away; try again later.'
        ) from None
    return None if token is None else str(token)
