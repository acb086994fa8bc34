# SPDX-License-Identifier: Apache-2.0
"""Connection: a bounded way to one OpenStack, and errors without secrets."""

import importlib.metadata
from typing import Any

import openstack.connection
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import session
from openstack import config, exceptions

from kvm_insight import exception
from kvm_insight.cloud import settings as cloud_settings

#: Each time-out counts for one attempt: a poll comes again anyway.
_CONNECT_RETRIES = 1
_STATUS_RETRIES = 2
#: What a service answers that is overloaded or just starts.
BUSY = (429, 502, 503, 504)
_SECRETS = ('password', 'secret', 'token', 'passcode')


def connect(
    settings: cloud_settings.Settings,
) -> openstack.connection.Connection:
    """Return a connection; ConfigError names what cannot be.

    Nobody is asked before it is used. Closing it is the caller's part.
    """
    try:
        return openstack.connection.Connection(config=_region(settings))
    except (
        exceptions.ConfigException,
        auth_exceptions.MissingRequiredOptions,
        auth_exceptions.NoMatchingPlugin,
    ) as why:
        name = settings.cloud or 'auth_url'
        # The cause is left out: its text may show what is in the file.
        raise exception.ConfigError(
            f'[cloud] {name}: {_words(why)}; see clouds.yaml and [cloud]'
        ) from None


def secrets(one: openstack.connection.Connection) -> frozenset[str]:
    """Return what must not be seen in any log line or message."""
    return frozenset(
        str(value)
        for name, value in one.config.config.get('auth', {}).items()
        if value and any(word in name for word in _SECRETS)
    )


def _region(
    settings: cloud_settings.Settings,
) -> config.cloud_region.CloudRegion:
    """Return who we are, where, and how long we wait and try."""
    # OS_* of the shell from which a service was started are not its own.
    loader = config.OpenStackConfig(
        load_envvars=False,
        load_yaml_config=settings.cloud is not None,
        config_files=[settings.clouds_file] if settings.clouds_file else None,
        app_name='kvm-insight',
        app_version=importlib.metadata.version('kvm-insight'),
        session_constructor=_Session,
    )
    asked: dict[str, Any] = {
        'api_timeout': settings.timeout_s,
        'connect_retries': _CONNECT_RETRIES,
        'status_code_retries': _STATUS_RETRIES,
    }
    if settings.cloud is None:
        asked['auth_type'] = settings.auth_type
        asked['auth'] = dict(settings.auth)
    if settings.region is not None:
        asked['region_name'] = settings.region
    if settings.interface is not None:
        asked['interface'] = settings.interface
    if settings.ca_file is not None:
        asked['cacert'] = settings.ca_file
    return loader.get_one(cloud=settings.cloud, **asked)


class _Session(session.Session):
    """A session that does not ask Keystone for its versions with a token.

    keystoneauth tries that when Keystone answers 401 to the question without
    one, and waits for ever: it is just about to fetch that token.
    """

    def request(self, url: str, method: str, *args: Any, **more: Any) -> Any:
        """Return the answer."""
        begin = getattr(self.auth, 'auth_url', None)
        if more.get('authenticated') and url == begin:
            raise auth_exceptions.Unauthorized(
                'it does not tell its versions (401)'
            )
        return super().request(url, method, *args, **more)


def _words(why: Exception) -> str:
    return ' '.join(str(why).split())[:300]
