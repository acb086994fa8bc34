# SPDX-License-Identifier: Apache-2.0
"""Client: asks a service for one path; what goes wrong is one of our errors.

openstacksdk's own objects of 30,000 servers would take minutes to make; here
answers stay bytes until somebody decodes what it needs of them.
"""

import contextlib
import json
import types
from collections.abc import Iterator
from typing import Any, Literal, Self, TypeVar

import msgspec
import openstack.connection
import requests
from keystoneauth1 import adapter, identity
from keystoneauth1 import exceptions as auth_exceptions

from kvm_insight import exception
from kvm_insight.cloud import connection, pace, settings

Service = Literal['identity', 'compute', 'placement', 'infra-optim']
NAMES: dict[Service, str] = {
    'identity': 'Keystone',
    'compute': 'Nova',
    'placement': 'Placement',
    'infra-optim': 'Watcher',
}
#: The service's own version in its path, where it has one.
_MAJOR: dict[Service, str | None] = {
    'identity': '3',
    'compute': '2.1',
    'placement': None,
    'infra-optim': '1',
}
#: Status -> remedy; trying again is vain until somebody has done that.
_REFUSED = {
    401: 'see the identity in [cloud]',
    403: 'its role may not: see the policy files that come with kvm_insight',
}
_GONE = 404
_DECLINED = (400, 409)

_Kind = TypeVar('_Kind')


class Wire(msgspec.Struct, frozen=True, kw_only=True):
    """A part of an answer; what is not named here is passed over."""


class Client:
    """One OpenStack with one identity; used from several threads."""

    def __init__(self, asked: settings.Settings) -> None:
        """Ask nobody yet; ConfigError for what cannot work."""
        self._connection = connection.connect(asked)
        self._secrets = connection.secrets(self._connection)
        self._services = {
            name: way_to(self._connection, name, asked.requests_per_s)
            for name in NAMES
        }

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        why: BaseException | None,
        trace: types.TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let go of all sockets."""
        self._connection.close()
        self._connection.session.session.close()

    def get(
        self, service: Service, path: str, version: str | None = None
    ) -> bytes:
        """Return the body of a good answer; raise CloudError otherwise."""
        return self.ask(service, 'GET', path, version)

    def ask(
        self,
        service: Service,
        method: str,
        path: str,
        version: str | None = None,
        body: object = None,
    ) -> bytes:
        """Do the same with any method, and a body as JSON."""
        with self.translated(service):
            answer = self._services[service].request(
                path,
                method,
                microversion=version,
                raise_exc=False,
                **({} if body is None else {'json': body}),
            )
            if answer.ok:
                return answer.content
            raise self._refused(service, answer)

    def newest(self, service: Service) -> tuple[int, int]:
        """Return the newest microversion that a service speaks."""
        with self.translated(service):
            told = self._services[service].get_endpoint_data()
            found = told.max_microversion if told is not None else None
        if found is None:
            raise exception.CloudUnavailable(
                f'{NAMES[service]} does not tell its versions'
            )
        return int(found[0]), int(found[1])

    def roles(self) -> frozenset[str]:
        """Return the roles that we have in our project."""
        with self.translated('identity'):
            session = self._connection.session
            if not isinstance(session.auth, identity.BaseIdentityPlugin):
                return frozenset()
            return frozenset(session.auth.get_access(session).role_names or ())

    @contextlib.contextmanager
    def translated(self, service: Service) -> Iterator[None]:
        """Raise what the libraries raise as CloudError, without secrets.

        The cause is left out, since its text and its request may have what
        must not be seen.
        """
        try:
            yield
        except exception.CloudError:
            raise
        except (
            auth_exceptions.ClientException,
            requests.RequestException,
            OSError,
        ) as why:
            raise self._error(service, why) from None

    def _error(self, service: Service, why: Exception) -> exception.CloudError:
        words = self._plain(str(why))
        match why:
            case auth_exceptions.Unauthorized() | auth_exceptions.Forbidden():
                return exception.CloudRefused(
                    f'Keystone: {words}; see the identity in [cloud]'
                )
            case auth_exceptions.CatalogException():
                return exception.CloudRefused(
                    f'{NAMES[service]}: {words}; see [cloud] region_name and'
                    ' interface, and the catalog'
                )
            case auth_exceptions.SSLError():
                return exception.CloudRefused(
                    f'{NAMES[service]}: {words}; see [cloud] ca_file'
                )
        return exception.CloudUnavailable(f'{NAMES[service]}: {words}')

    def _refused(
        self, service: Service, answer: requests.Response
    ) -> exception.CloudError:
        code = answer.status_code
        path = answer.request.path_url.partition('?')[0]
        words = f'{NAMES[service]} answers {code} for {path}'
        told = self._plain(_message(answer))
        words += f': {told}' if told else ''
        if code in _REFUSED:
            return exception.CloudRefused(f'{words}; {_REFUSED[code]}')
        if code == _GONE:
            return exception.CloudGone(words)
        if code in _DECLINED:
            return exception.CloudDeclined(words)
        return exception.CloudUnavailable(words)

    def _plain(self, text: str) -> str:
        """Return words of a message; nothing that must not be seen."""
        for secret in self._secrets:
            text = text.replace(secret, '***')
        return ' '.join(text.split())[:300]


def decoded(service: Service, value: bytes, kind: type[_Kind]) -> _Kind:
    """Return an answer as a value; CloudUnavailable if it is none."""
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.DecodeError as why:
        raise exception.CloudUnavailable(
            f'{NAMES[service]} answers what is not what was asked for: {why}'
        ) from why


def _message(answer: requests.Response) -> str:
    """Return what a service says of its refusal: it is in the one member,
    or the first of a list of errors."""
    try:
        told = answer.json()
        inner = next(iter(told.values()))
        # Watcher has a text there, which is JSON again.
        inner = json.loads(inner) if isinstance(inner, str) else inner
        first = inner[0] if isinstance(inner, list) else inner
        names = ('message', 'detail', 'faultstring')
        return str(next(filter(None, map(first.get, names)), ''))
    except (
        ValueError,
        AttributeError,
        LookupError,
        StopIteration,
        TypeError,
    ):
        return ''


class _Way(adapter.Adapter):
    """An adapter whose requests begin at our pace."""

    def __init__(self, steps: pace.Pace, **more: Any) -> None:
        super().__init__(**more)
        self._steps = steps

    def request(self, url: str, method: str, **more: Any) -> Any:
        """Return the answer."""
        more.setdefault('rate_semaphore', self._steps)
        return super().request(url, method, **more)


def way_to(
    one: openstack.connection.Connection, service: Service, per_s: float
) -> adapter.Adapter:
    """Return a way to a service, with the bounds of the connection."""
    where = one.config
    return _Way(
        pace.Pace(per_s),
        session=one.session,
        service_type=service,
        region_name=where.get_region_name(service),
        interface=where.get_interface(service),
        endpoint_override=where.get_endpoint(service),
        version=_MAJOR[service],
        connect_retries=where.get_connect_retries(service),
        status_code_retries=where.get_status_code_retries(service),
        # openstacksdk got its own setting for these after OpenStack 2026.1.
        retriable_status_codes=list(connection.BUSY),
    )
