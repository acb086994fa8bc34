# SPDX-License-Identifier: Apache-2.0
"""Answers of a real cloud, given again and changed by a test.

``answers.json`` was recorded from Nova 34, Placement 16 and Keystone 30 in
the cloud of ``tools/cloud``: two libvirt hosts and one with the fake driver,
two projects, a zone, and one live migration that had ended. Links are left
out.
"""

import copy
import datetime
import json
import pathlib
import urllib.parse
from typing import Any

from kvm_insight import exception
from kvm_insight.cloud import client, settings

RECORDED = json.loads(
    pathlib.Path(__file__).with_name('answers.json').read_text()
)
Json = dict[str, Any]


class Wire(client.Client):
    """Stands where HTTP is; counts what it was asked."""

    def __init__(self, asked: settings.Settings | None = None) -> None:
        self.answers: dict[tuple[str, str], Json] = {}
        for one in reversed(RECORDED):
            key = one['service'], one['path'].partition('?')[0]
            self.answers[key] = copy.deepcopy(one['body'])
        member = RECORDED[9]
        assert 'member_of' in member['path']
        self.members = [
            x['uuid'] for x in member['body']['resource_providers']
        ]
        self.answers['placement', '/resource_providers'] = copy.deepcopy(
            next(
                one['body']
                for one in RECORDED
                if one['path'] == '/resource_providers'
            )
        )
        #: Servers that have changed since the last look.
        self.changed: list[Json] = []
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.version = (2, 104)
        self.mine = frozenset({'admin'})
        # As if it had ended an hour ago.
        when = datetime.datetime.now(datetime.UTC)
        when -= datetime.timedelta(hours=1)
        (moved,) = self.answers['compute', '/os-migrations']['migrations']
        moved['created_at'] = moved['updated_at'] = when.strftime(
            '%Y-%m-%dT%H:%M:%S.000000'
        )

    def close(self) -> None:
        pass

    def newest(self, service: client.Service) -> tuple[int, int]:
        self._fail()
        return self.version

    def roles(self) -> frozenset[str]:
        self._fail()
        return self.mine

    def get(
        self,
        service: client.Service,
        path: str,
        version: str | None = None,
    ) -> bytes:
        self._fail()
        self.asked.append(path)
        parts = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if (service, parts.path) not in self.answers:
            raise exception.CloudGone(path)
        body = self.answers[service, parts.path]
        if 'marker' in query or query.get('offset', '0') != '0':
            body = {name: [] for name in body}
        elif parts.path == '/servers/detail' and 'changes-since' in query:
            body = {'servers': self.changed}
        elif parts.path == '/os-migrations':
            since = query['changes-since'].rstrip('Z')
            moved = body['migrations']
            body = {
                'migrations': [x for x in moved if x['updated_at'] >= since]
            }
        elif 'member_of' in query:
            body = {
                'resource_providers': [
                    x
                    for x in body['resource_providers']
                    if x['uuid'] in self.members
                ]
            }
        return json.dumps(body).encode()

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def server(self, name: str) -> Json:
        """Return one server, to be changed."""
        servers = self.answers['compute', '/servers/detail']['servers']
        found: Json = next(x for x in servers if x['name'] == name)
        return found

    def count(self, part: str) -> int:
        return sum(part in path for path in self.asked)
