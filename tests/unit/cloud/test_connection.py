# SPDX-License-Identifier: Apache-2.0
"""A connection is bounded, and nothing that it says has a secret in it."""

import dataclasses
import http.server
import logging
import pathlib
import threading
from collections.abc import Iterator

import pytest
from openstack.config import cloud_region

from kvm_insight import exception
from kvm_insight.cloud import client, connection, settings
from tests import serving

SECRET = 's3cr3t-of-nobody'


class Keystone(http.server.BaseHTTPRequestHandler):
    """Says back all that it is told, as a careless proxy would."""

    status = 401

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        length = int(self.headers.get('Content-Length') or 0)
        told = self.rfile.read(length).decode().replace('"', "'")
        body = f'{{"error": {{"message": "no: {told}"}}}}'.encode()
        self.send_response(self.status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def keystone() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Keystone)
    with serving.serving(server):
        yield f'http://127.0.0.1:{server.server_port}/v3'


def asked(auth_url: str) -> settings.Settings:
    return settings.Settings(
        auth_type='v3password',
        auth={
            'auth_url': auth_url,
            'username': 'kvm-insight',
            'password': SECRET,
            'project_name': 'service',
            'user_domain_name': 'Default',
            'project_domain_name': 'Default',
        },
        timeout_s=2.0,
    )


def whole(why: BaseException | None) -> str:
    """All words of an error and of what it came from."""
    if why is None:
        return ''
    return f'{why!r} {whole(why.__cause__)} {whole(why.__context__)}'


def test_a_refusal_has_no_secret_in_it_even_if_it_is_said_back(
    keystone: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with (
        client.Client(asked(keystone)) as one,
        pytest.raises(exception.CloudRefused, match='identity') as caught,
    ):
        one.get('compute', '/servers/detail')
    assert 'kvm-insight' in str(caught.value)
    assert '***' in str(caught.value)
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text


def test_a_keystone_that_refuses_even_its_versions_is_no_hang(
    keystone: str,
) -> None:
    generic = dataclasses.replace(asked(keystone), auth_type='password')
    told: list[exception.CloudError] = []

    def ask() -> None:
        with client.Client(generic) as one:
            try:
                one.get('compute', '/servers')
            except exception.CloudError as why:
                told.append(why)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(30)
    assert len(told) == 1
    assert SECRET not in str(told[0])


def test_nobody_there_is_unavailable_and_said_so() -> None:
    with (
        client.Client(asked('http://127.0.0.1:9/v3')) as one,
        pytest.raises(exception.CloudUnavailable, match='Nova: ') as caught,
    ):
        one.get('compute', '/servers/detail')
    assert SECRET not in str(caught.value)


def test_the_openstacksdk_of_openstack_2026_1_will_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What 4.10.0 does not have; its regions answer None for any such name.
    younger = 'get_retriable_status_codes'
    monkeypatch.delattr(cloud_region.CloudRegion, younger, raising=False)
    with connection.connect(asked('http://127.0.0.1:9/v3')) as one:
        way = client.way_to(one, 'compute', 1.0)
    assert way.retriable_status_codes == [429, 502, 503, 504]
    assert way.status_code_retries == 2


def test_settings_never_show_who_we_are() -> None:
    assert SECRET not in repr(asked('http://127.0.0.1:9/v3'))


def test_a_cloud_that_no_file_has_is_named(tmp_path: pathlib.Path) -> None:
    file = tmp_path / 'clouds.yaml'
    file.write_text('clouds: {one: {auth: {password: ' + SECRET + '}}}')
    wanted = settings.Settings(cloud='two', clouds_file=str(file))
    with pytest.raises(exception.ConfigError, match='two') as caught:
        connection.connect(wanted)
    assert SECRET not in whole(caught.value)


def test_a_region_that_the_file_does_not_have_is_named(
    tmp_path: pathlib.Path,
) -> None:
    file = tmp_path / 'clouds.yaml'
    file.write_text('clouds: {one: {regions: [North], auth: {}}}')
    wanted = settings.Settings(
        cloud='one', clouds_file=str(file), region='West'
    )
    with pytest.raises(exception.ConfigError, match='West'):
        connection.connect(wanted)


def test_a_cloud_comes_from_its_file_and_from_no_variable(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / 'clouds.yaml'
    file.write_text(
        'clouds: {one: {region_name: North, interface: internal, auth: {'
        f'auth_url: "http://127.0.0.1:9/v3", username: u, password: {SECRET},'
        'project_name: p, user_domain_id: d, project_domain_id: d}}}'
    )
    monkeypatch.setenv('OS_REGION_NAME', 'South')
    monkeypatch.setenv('OS_PASSWORD', 'other')
    wanted = settings.Settings(cloud='one', clouds_file=str(file))
    with connection.connect(wanted) as one:
        assert one.config.get_region_name() == 'North'
        assert one.config.get_interface() == 'internal'
        assert connection.secrets(one) == {SECRET}
    over = dataclasses.replace(wanted, interface='public', timeout_s=7.0)
    with connection.connect(over) as one:
        assert one.config.get_interface() == 'public'
        assert one.session.timeout == 7.0
