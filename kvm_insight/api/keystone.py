# SPDX-License-Identifier: Apache-2.0
"""Keystone: who asks, as keystonemiddleware found it out."""

import logging
import uuid
from typing import Any

from keystoneauth1 import exceptions
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_context import context

from kvm_insight import exception
from kvm_insight.api import answering, identity, problem, version

LOG = logging.getLogger(__name__)

#: Put there by the middleware; nothing that is sent can be called so.
_PROOF = 'keystone.token_auth'


class Keystone:
    """Believes the middleware, and nobody where that was not asked."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        """Send those who have no token to the Keystone of ``guarded``."""
        self._conf = conf

    @property
    def challenge(self) -> str:
        """Return where tokens are to be had."""
        uri = self._conf.keystone_authtoken.www_authenticate_uri or ''
        return f'Keystone uri="{uri}"'

    def identify(self, environ: identity.Environ) -> identity.Identity | None:
        """Return whose valid token it is; None if there is none."""
        if environ.get(_PROOF) is None:
            return None
        if environ.get('HTTP_X_IDENTITY_STATUS') != 'Confirmed':
            return None
        found = context.RequestContext.from_environ(dict(environ))
        if not found.user_id:
            return None
        return identity.Identity(
            user_id=found.user_id,
            user_name=found.user_name,
            project_id=found.project_id,
            domain_id=found.domain_id,
            system_scope=found.system_scope,
            roles=tuple(found.roles),
            is_admin_project=found.is_admin_project,
        )


def guarded(application: Any, conf: cfg.ConfigOpts) -> Any:
    """Return the application behind the middleware; it decides later, as
    the list of versions needs no token. ConfigError says what it lacks."""
    # At information it tells each token that is not valid.
    logging.getLogger('keystonemiddleware').setLevel('WARNING')
    settings = {'oslo_config_config': conf, 'delay_auth_decision': True}
    made = Asking(auth_token.AuthProtocol(application, settings))
    group = conf.keystone_authtoken
    if not (group.auth_type or group.auth_section):
        raise exception.ConfigError(
            '[keystone_authtoken] auth_type: not set, so that no token could'
            ' be looked at; with [api] auth = keystone fill that group: at'
            ' least auth_type = password, auth_url, username, password,'
            ' project_name and both domains'
        )
    return made


class Asking:
    """Answers for the middleware where it has no answer itself: it raises
    what its client raises if, say, the catalog has no endpoint for it."""

    def __init__(self, inner: Any) -> None:
        """Go through this."""
        self._inner = inner

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer as ``inner`` does; 503 where Keystone cannot be asked."""
        try:
            return self._inner(environ, start_response)
        except exceptions.ClientException as why:
            LOG.error(
                'Keystone cannot be asked (%s): see [keystone_authtoken], its'
                ' interface and region_name first of all',
                type(why).__name__,
            )
        ident = f'req-{uuid.uuid4()}'
        why_not = problem.Problem(
            503,
            problem.UNAVAILABLE,
            'Whose token that is cannot be found out; try again later.',
        )
        answer = answering.problem_of(why_not, ident)
        answer = answering.stamp(answer, ident, version.LEAST)
        return answer(environ, start_response)
