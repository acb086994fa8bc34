# SPDX-License-Identifier: Apache-2.0
"""What is set of a client reaches the services that it asks."""

import http.server
import pathlib
import time
from collections.abc import Iterator

import pytest

from kvm_insight import conf, exception
from kvm_insight.cloud import client, settings
from kvm_insight.conf import cloud
from kvm_insight.feed import mover
from tests import serving
from tests.unit.cloud import test_migrating


class Service(http.server.ThreadingHTTPServer):
    """Says no to all, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), _Handler)
        self.asked: list[str] = []
        #: When each request came.
        self.came_s: list[float] = []


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        self.server.came_s.append(time.monotonic())
        self.server.asked.append(self.path)
        self.send_response(404)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with serving.serving(Service()) as one:
        yield one


def way(service: Service, name: str) -> dict[str, str]:
    """A way in for which no Keystone is needed."""
    url = f'http://127.0.0.1:{service.server_port}/{name}'
    return {'endpoint': url, 'token': 'of-nobody'}


def clouds(folder: pathlib.Path, service: Service, *names: str) -> str:
    lines = ['clouds:']
    for name in names:
        lines += [f'  {name}:', '    auth_type: admin_token', '    auth:']
        told = way(service, name).items()
        lines += [f'      {key}: {value}' for key, value in told]
    file = folder / 'clouds.yaml'
    file.write_text('\n'.join(lines))
    return str(file)


def test_requests_of_a_service_come_as_far_apart_as_is_set(
    service: Service, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / 'kvm-insight.conf'
    file.write_text(
        '[cloud]\ncloud = one\nrequests_per_s = 20\n'
        f'clouds_file = {clouds(tmp_path, service, "one")}\n'
    )
    asked = cloud.settings(conf.load([str(file)]))
    assert asked is not None
    with client.Client(asked) as one:
        begin_s = time.monotonic()
        for _ in range(10):
            with pytest.raises(exception.CloudGone):
                one.get('compute', '/servers')
        took_s = time.monotonic() - begin_s
    assert service.asked == ['/one/servers'] * 10
    assert took_s >= 0.45
    # Each is on its own: the first may have waited for a thread.
    assert service.came_s[-1] - service.came_s[1] >= 0.3


@pytest.mark.parametrize(
    ('actuator_cloud', 'asked'), [('two', {'two'}), (None, {'one'})]
)
def test_the_actuator_speaks_as_the_cloud_that_is_named(
    service: Service,
    tmp_path: pathlib.Path,
    actuator_cloud: str | None,
    asked: set[str],
) -> None:
    base = settings.Settings(
        auth_type='admin_token',
        auth=way(service, 'one'),
        clouds_file=clouds(tmp_path, service, 'two', 'three'),
        requests_per_s=1000,
    )
    one = mover.of({'cloud': base, 'actuator_cloud': actuator_cloud})
    with pytest.raises(exception.CloudError):
        one.look(test_migrating.MOVE)
    one.close()
    assert {path.split('/')[1] for path in service.asked} == asked


def test_an_actuator_cloud_that_no_file_has_is_named(
    service: Service, tmp_path: pathlib.Path
) -> None:
    file = clouds(tmp_path, service, 'one')
    base = settings.Settings(cloud='one', clouds_file=file)
    with pytest.raises(exception.ConfigError, match=r'_cloud: .*absent'):
        mover.of({'cloud': base, 'actuator_cloud': 'absent'})
