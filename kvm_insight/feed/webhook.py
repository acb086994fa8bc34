# SPDX-License-Identifier: Apache-2.0
"""Webhook: each notice is posted as JSON, until the receiver took it.

Neither the secret nor the path of the address, which may have one in it, is
in any word that we say. No redirection is followed and no proxy asked.
"""

import hashlib
import hmac
import http.client
import logging
import ssl
import urllib.parse
from collections.abc import Iterator

from kvm_insight import exception
from kvm_insight.feed import notices, port
from kvm_insight.model import codec, notice

LOG = logging.getLogger(__name__)

SIGNATURE = 'X-Kvm-Insight-Signature'
_FIRST_REFUSAL = 400
#: The receiver is busy, or was too slow: it may take the same later.
_LATER = {408, 409, 425, 429}
_BROKEN = 500


class Webhook:
    """The feed ``webhook``."""

    newest_only = False
    runs_in = 'planner'

    def __init__(self, settings: port.Settings, publish: port.Publish) -> None:
        """Post where the settings say; ConfigError if that cannot be."""
        self._url = _parsed(str(settings.get('webhook_url') or ''))
        self._secret = str(settings.get('webhook_secret') or '').encode()
        self._timeout_s = float(str(settings.get('webhook_timeout_s', 10.0)))
        self._tls = None
        if self._url.scheme == 'https':
            self._tls = _context(settings.get('webhook_ca_file'))
        self._notices = notices.Notices()

    def would(self, told: port.Told) -> Iterator[str]:
        """Yield each post."""
        for one in notices.Notices().of(told):
            body = codec.encode(one).decode()
            yield f'POST to {self._url.hostname}: {body}'

    def write(self, told: port.Told, may: port.May) -> None:
        """Post what is new; one that is refused for good is left out."""
        for one in self._notices.of(told):
            if not may():
                raise exception.LeaseLost
            self._post(one)

    def clear(self, may: port.May) -> list[str]:
        """Nothing that was posted can be taken back."""
        return []

    def close(self) -> None:
        """Nothing is held."""

    def _post(self, one: notice.Notice) -> None:
        body = codec.encode(one)
        code = self._asked(body)
        if code in _LATER or code >= _BROKEN:
            raise exception.FeedError(f'{self._url.hostname} answers {code}')
        if code >= _FIRST_REFUSAL:
            LOG.warning(
                '%s answers %d and refuses %s: left out',
                self._url.hostname,
                code,
                one.id,
            )
        elif code >= 300:
            raise exception.FeedError(
                f'{self._url.hostname} answers {code}: redirections are not'
                ' followed; set webhook_url to where it leads'
            )

    def _asked(self, body: bytes) -> int:
        """Return the status of the answer; raise FeedError without one."""
        headers = {
            'Content-Type': 'application/json',
            'User-Agent': 'kvm-insight',
        }
        if self._secret:
            sign = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            headers[SIGNATURE] = f'sha256={sign}'
        way = self._connection()
        try:
            way.request('POST', self._path(), body, headers)
            return way.getresponse().status
        except (OSError, http.client.HTTPException) as why:
            raise exception.FeedError(
                f'{self._url.hostname}: {type(why).__name__}'
            ) from None
        finally:
            way.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, number = str(self._url.hostname), self._url.port
        if self._tls is None:
            return http.client.HTTPConnection(
                host, number, timeout=self._timeout_s
            )
        return http.client.HTTPSConnection(
            host, number, timeout=self._timeout_s, context=self._tls
        )

    def _path(self) -> str:
        query = f'?{self._url.query}' if self._url.query else ''
        return (self._url.path or '/') + query


def _parsed(url: str) -> urllib.parse.SplitResult:
    try:
        found = urllib.parse.urlsplit(url)
        is_good = found.scheme in ('http', 'https') and bool(found.hostname)
        is_good = is_good and found.port != 0
    except ValueError:
        is_good = False
    if not is_good or any(not x.isprintable() or x == ' ' for x in url):
        raise exception.ConfigError(
            '[feed] webhook_url: must be http:// or https:// with a host;'
            ' the feed webhook needs it'
        )
    if found.username is not None:
        raise exception.ConfigError(
            '[feed] webhook_url: must not have a user or a password in it;'
            ' sign with webhook_secret instead'
        )
    return found


def _context(ca_file: object) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(
            cafile=str(ca_file) if ca_file else None
        )
    except (OSError, ssl.SSLError) as why:
        raise exception.ConfigError(
            f'[feed] webhook_ca_file = {ca_file}: {why.strerror}'
        ) from why
