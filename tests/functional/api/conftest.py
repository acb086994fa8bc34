# SPDX-License-Identifier: Apache-2.0
"""The API of a small cloud on a real socket."""

import contextlib
import dataclasses
import http.client
import json
import pathlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from kvm_insight.api import server
from tests.unit.api import conftest as units

#: A client that takes longer is cut.
PATIENCE_S = 2.0


@dataclasses.dataclass
class Served:
    """An API that listens."""

    site: units.Site
    port: int

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=20)

    def ask(
        self,
        who: str,
        path: str,
        method: str = 'GET',
        body: Any = None,
    ) -> tuple[int, Any]:
        """Return the status and what is answered."""
        way = self.connection()
        headers = {'X-Auth-Token': who}
        data = None
        if body is not None:
            data = json.dumps(body)
            headers['Content-Type'] = 'application/json'
        try:
            way.request(method, path, data, headers)
            answer = way.getresponse()
            text = answer.read()
        finally:
            way.close()
        return answer.status, json.loads(text) if text else None


@contextlib.contextmanager
def serving(site: units.Site) -> Iterator[Served]:
    """Let it be served from a thread."""
    made = server.Server(
        site.application,
        server.Settings(port=0, threads=4, patience_s=PATIENCE_S),
    )
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        yield Served(site, made.port)
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.fixture(scope='module')
def database(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[sa.Engine]:
    """The store of the unit tests' cloud."""
    folder = tmp_path_factory.mktemp('store')
    with units.store(pathlib.Path(folder)) as made:
        units.fill(made)
        yield made


@pytest.fixture(scope='module')
def served(database: sa.Engine) -> Iterator[Served]:
    """The API of that cloud."""
    with serving(units.site(database)) as found:
        yield found
