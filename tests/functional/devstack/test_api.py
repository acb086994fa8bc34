# SPDX-License-Identifier: Apache-2.0
"""The plugin's API: its options, who Keystone knows it as, its endpoint."""

import configparser
from collections.abc import Callable

import pytest

from kvm_insight import conf
from kvm_insight.api import assembly
from kvm_insight.conf import database
from tests.functional.devstack import node

Maker = Callable[..., node.Node]
CONTROLLER = 'key,n-sch,mysql'


def endpoints(one: node.Node) -> set[str]:
    """Where the catalog says that the API is."""
    files = (one.root / 'keystone').glob('endpoint.kvm-insight.*')
    return {path.read_text().strip() for path in files}


def told(one: node.Node, section: str) -> dict[str, str]:
    """What a section of the configuration says."""
    parser = configparser.RawConfigParser()
    parser.read(one.configuration)
    return dict(parser[section])


def test_the_api_asks_keystone_who_asks(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER)
    one.stack()
    loaded = conf.load([str(one.configuration)])
    assert loaded.api.auth == 'keystone'
    assert told(one, 'keystone_authtoken')['username'] == 'kvm-insight'
    assert told(one, 'keystone_authtoken')['service_type'] == 'insight'
    assert told(one, 'keystone_authtoken')['www_authenticate_uri'] == (
        'http://127.0.0.1/identity'
    ), 'where people who log in are asked for'


@pytest.mark.parametrize(
    ('listen', 'host'), [('0.0.0.0', '0.0.0.0'), ('[::]', '::')]
)
def test_the_api_listens_where_its_endpoint_leads(
    nodes: Maker, listen: str, host: str
) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER, SERVICE_LISTEN_ADDRESS=listen)
    one.stack()
    settings = assembly.server_settings(conf.load([str(one.configuration)]))
    assert (settings.host, settings.certificate) == (host, None)
    assert endpoints(one) == {f'http://127.0.0.1:{settings.port}'}
    assert settings.port != 8775, "Nova's metadata is there"


def test_operators_say_where_the_api_is_asked(nodes: Maker) -> None:
    one = nodes(
        ENABLED_SERVICES=CONTROLLER,
        KVM_INSIGHT_API_HOST='example.org',
        KVM_INSIGHT_API_PORT='9000',
    )
    one.stack()
    settings = assembly.server_settings(conf.load([str(one.configuration)]))
    assert settings.port == 9000
    assert endpoints(one) == {'http://example.org:9000'}


def test_the_api_speaks_tls_where_devstack_does(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=f'{CONTROLLER},tls-proxy')
    one.stack()
    settings = assembly.server_settings(conf.load([str(one.configuration)]))
    assert settings.certificate is not None
    assert settings.certificate.name == 'devstack-cert.pem'
    assert endpoints(one) == {f'https://127.0.0.1:{settings.port}'}
    one.run('unstack')
    one.stack(ENABLED_SERVICES=CONTROLLER)
    settings = assembly.server_settings(conf.load([str(one.configuration)]))
    assert settings.certificate is None
    assert endpoints(one) == {f'http://127.0.0.1:{settings.port}'}


def test_the_api_starts_with_tables_and_is_waited_for(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER)
    one.stack()
    calls = [call.split()[:3] for call in one.calls()]
    wanted = [
        ['kvm-insight', 'db', 'upgrade'],
        ['run_process', 'kvm-insight-api'],
        ['wait_for_service', f'{endpoints(one).pop()}/v1/'],
    ]
    places = [
        next(i for i, call in enumerate(calls) if call[: len(want)] == want)
        for want in wanted
    ]
    assert places == sorted(places)


def test_stack_stops_where_the_api_does_not_come_up(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER)
    phases = [f'stack {phase}' for phase in node.STACK]
    done = one.tried(*phases, SERVICE_FAILS='1')
    assert done.returncode
    assert 'journalctl -u devstack@kvm-insight-api' in done.stderr


def test_no_endpoint_is_left_by_unstack(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER)
    one.stack()
    assert endpoints(one)
    one.run('unstack')
    assert not (one.root / 'keystone').exists()


def test_nothing_is_said_of_an_api_that_is_disabled(nodes: Maker) -> None:
    one = nodes(
        ENABLED_SERVICES=CONTROLLER, DISABLED_SERVICES='kvm-insight-api'
    )
    one.stack()
    assert not endpoints(one)
    text = one.configuration.read_text()
    assert '[api]' not in text
    assert '[keystone_authtoken]' not in text
    (call,) = [x for x in one.calls() if x.startswith('setup_develop ')]
    assert call.split()[-1] == 'cloud,store,mariadb'
    assert not [x for x in one.calls() if x.startswith('wait_for_service')]


def test_an_api_without_a_recorder_leaves_the_database_as_it_is(
    nodes: Maker,
) -> None:
    one = nodes(
        ENABLED_SERVICES='key,mysql,kvm-insight-api',
        KVM_INSIGHT_KAFKA_SERVERS='10.0.0.1:9092',
    )
    one.stack()
    asked = [call.split()[0] for call in one.calls()]
    assert 'recreate_database' not in asked
    assert 'kvm-insight' not in asked, (
        'its tables are the affair of another node'
    )
    found = database.settings(conf.load([str(one.configuration)]))
    assert '/kvm_insight?' in found.connection
