# SPDX-License-Identifier: Apache-2.0
"""Client: asks the REST API, and says in words why it did not answer."""

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from http import client
from typing import Any
from urllib import parse

from keystoneauth1 import adapter
from keystoneauth1 import exceptions as trouble
from osc_lib import exceptions

LOG = logging.getLogger(__name__)

SERVICE_TYPE = 'insight'
#: Of one answer; the API gives no more.
PAGE = 1000
#: Of one command, unless it says how many it wants.
MOST = 100_000
#: The API itself gives a question up after less.
_PATIENCE_S = 120.0

Row = dict[str, Any]


class Unknown(exceptions.CommandError):
    """What was asked about is not there, or not for the asker."""


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """How much of a list is wanted, and from where on."""

    limit: int | None = None
    marker: str | None = None


class Client:
    """One API, as one user."""

    def __init__(
        self,
        session: Any,
        version: str,
        interface: str | None = None,
        region: str | None = None,
    ) -> None:
        """Ask with this session, in this microversion."""
        self._session = session
        self._http: Any = adapter.Adapter(
            session,
            service_type=SERVICE_TYPE,
            interface=interface,
            region_name=region,
            default_microversion=version,
            raise_exc=False,
        )

    def project_id(self) -> str | None:
        """Return the project of the token, if it is of one."""
        found: str | None = self._session.get_project_id()
        return found

    def get(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Row:
        """Return a document, which has this key in it."""
        answer = self.request('GET', path, params=query)
        found = _document(answer)
        if key is not None and not isinstance(found.get(key), list):
            raise _foreign(answer)
        return found

    def text(self, path: str, query: Mapping[str, Any], kind: str) -> bytes:
        """Return what is no JSON; raise CommandError if it is not of this
        media type."""
        answer = self.request(
            'GET', path, params=query, headers={'Accept': kind}
        )
        told = answer.headers.get('Content-Type', '').partition(';')[0]
        if told.strip() != kind:
            raise _foreign(answer)
        content: bytes = answer.content
        return content

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> Row:
        """Say what of this is not None; return it as it was understood."""
        told = {
            name: value for name, value in body.items() if value is not None
        }
        return _document(
            self.request('POST', path, json=told, headers=headers or {})
        )

    def delete(self, path: str) -> None:
        """Take something back."""
        self.request('DELETE', path)

    def listed(
        self, path: str, key: str, query: Mapping[str, Any], part: Part
    ) -> list[Row]:
        """Return a list, however many answers it takes."""
        wanted = MOST if part.limit is None else part.limit
        rows: list[Row] = []
        marker = part.marker
        while len(rows) < wanted:
            asked = {**query, 'limit': min(PAGE, wanted - len(rows))}
            if marker is not None:
                asked['marker'] = marker
            answer = self.get(path, asked, key)
            rows += answer[key]
            before, marker = marker, _marker(answer.get('links', []))
            if marker is None or marker == before:
                return rows
        if part.limit is None:
            LOG.warning(
                'There are more than these %d: narrow it down, or go on with'
                ' --marker %s',
                len(rows),
                marker,
            )
        return rows

    def request(self, method: str, path: str, **more: Any) -> Any:
        """Return an answer; raise CommandError if it is none we want."""
        headers = {'Accept': 'application/json', **more.pop('headers', {})}
        # Whoever set a timeout for all of openstack has it here, too.
        timeout = self._session.timeout or _PATIENCE_S
        try:
            answer = self._http.request(
                path, method, headers=headers, timeout=timeout, **more
            )
        except trouble.EndpointNotFound:
            raise exceptions.CommandError(
                'There is no service of type "insight" in the catalog that'
                ' Keystone gives for this region and interface; whoever runs'
                ' the cloud makes one for kvm-insight-api'
            ) from None
        except trouble.ConnectionError as why:
            raise exceptions.CommandError(
                f'kvm-insight-api does not answer: {why}'
            ) from None
        if answer.status_code >= 400:
            told = _why(answer)
            if answer.status_code == 404 and _NOT_FOUND in told:
                raise Unknown(told)
            raise exceptions.CommandError(told)
        return answer


def address(*words: str) -> str:
    """Return a path of these; a host's name keeps its slash."""
    return '/v1/' + '/'.join(parse.quote(word, safe='/') for word in words)


def _document(answer: Any) -> Row:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _foreign(answer)
    return found


def _foreign(answer: Any) -> exceptions.CommandError:
    return exceptions.CommandError(
        f'{answer.url} answers, but is no kvm-insight-api; correct the'
        ' endpoint'
    )


def _marker(links: Iterable[Mapping[str, str]]) -> str | None:
    """Return where the list goes on: the path may be a proxy's."""
    for link in links:
        if link.get('rel') == 'next':
            query = parse.urlsplit(link['href']).query
            return parse.parse_qs(query).get('marker', [None])[0]
    return None


#: The API's own code; another 404 is of who is asked by mistake.
_NOT_FOUND = 'insight.not_found'
#: What to do about it, where the answer's own words do not say.
_REMEDIES = {
    401: 'Show another token: it is not valid here, or has expired. Without'
    ' Keystone: --os-auth-type kvm_insight',
    403: 'Another role, or a token of another scope, may do it',
    406: 'Give another --os-insight-api-version',
    409: 'Look at it again; it is not as it was',
    412: 'Look at it again; it is not as it was',
    429: 'Try again later',
    500: 'The log of kvm-insight-api says more',
    502: 'A proxy cannot reach kvm-insight-api; look whether it runs',
    504: 'A proxy cannot reach kvm-insight-api; look whether it runs',
}


def _why(answer: Any) -> str:
    """Return the API's words, and a remedy."""
    try:
        one = answer.json()['errors'][0]
        detail = str(one['detail']).rstrip('.')
        said = f'{detail} ({one["code"]}, {one["request_id"]})'
    except (ValueError, KeyError, IndexError, TypeError):
        title = client.responses.get(answer.status_code, 'Failure')
        said = f'{title} (from {answer.url})'
    remedy = _REMEDIES.get(answer.status_code)
    words = [f'{said} (HTTP {answer.status_code})', remedy]
    return '. '.join(filter(None, words))


def of(command: Any) -> Client:
    """Return the client that a command asks with."""
    found: Client = command.app.client_manager.insight
    return found
