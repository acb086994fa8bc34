# SPDX-License-Identifier: Apache-2.0
"""The DevStack plugin's phases, under stand-ins of DevStack's functions."""

import pathlib
from collections.abc import Callable
from xml.etree import ElementTree

import pytest

from kvm_insight import conf
from kvm_insight.conf import agent, analyzer, bus, cloud, database, planner
from tests.functional.devstack import node

Maker = Callable[..., node.Node]
CONTROLLER = 'key,n-api,n-cond,n-sch,placement-api,g-api,mysql,rabbit'
ALL = {
    f'kvm-insight-{n}'
    for n in ('agent', 'analyzer', 'planner', 'recorder', 'api', 'kafka')
}


def test_one_line_brings_all_services_but_those_that_act(
    nodes: Maker,
) -> None:
    assert nodes().services() == ALL


def test_a_compute_node_has_the_agent_alone(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES='n-cpu')
    assert one.services() == {'kvm-insight-agent'}


def test_a_controller_has_all_but_the_agent(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER)
    assert one.services() == ALL - {'kvm-insight-agent'}


@pytest.mark.parametrize(
    ('services', 'extras'),
    [
        (node.ALL_IN_ONE, 'agent,cloud,api,osc,store,mariadb'),
        ('n-cpu', 'agent'),
        (CONTROLLER, 'cloud,api,osc,store,mariadb'),
    ],
)
def test_a_node_gets_what_its_services_need(
    nodes: Maker, services: str, extras: str
) -> None:
    one = nodes(ENABLED_SERVICES=services)
    one.run('stack pre-install', 'stack install')
    (call,) = [x for x in one.calls() if x.startswith('setup_develop ')]
    assert call.split()[-1] == extras


def test_a_service_that_local_conf_disables_stays_off(nodes: Maker) -> None:
    one = nodes(DISABLED_SERVICES='kvm-insight-planner')
    one.stack()
    assert one.services() == ALL - {'kvm-insight-planner'}
    assert one.running() == ALL - {'kvm-insight-planner'}


@pytest.mark.parametrize(
    ('variables', 'connection'),
    [
        ({}, 'mysql+pymysql://root:secret@127.0.0.1/kvm_insight?charset=utf8'),
        ({'MYSQL': '8.0.42'}, 'sqlite:///ROOT/store.db'),
        (
            {'KVM_INSIGHT_DATABASE': 'postgresql://u:p@db/x'},
            'postgresql://u:p@db/x',
        ),
    ],
)
def test_the_recorder_gets_a_database_and_its_tables(
    nodes: Maker, variables: dict[str, str], connection: str
) -> None:
    one = nodes(ENABLED_SERVICES=CONTROLLER, **variables)
    one.stack()
    state = f'{one.root}/opt/stack/data/kvm-insight'
    found = database.settings(conf.load([str(one.configuration)]))
    assert found.connection == connection.replace('ROOT', state)
    calls = one.calls()
    upgrades = [x for x in calls if x.startswith('kvm-insight db upgrade')]
    assert len(upgrades) == 1
    starts = [x for x in calls if x.startswith('run_process')]
    assert calls.index(upgrades[0]) < calls.index(starts[-1])
    made = [x for x in calls if x.startswith('recreate_database')]
    assert bool(made) == (variables == {})


def test_the_feed_runs_only_where_it_is_asked_for(nodes: Maker) -> None:
    one = nodes(ENABLED_SERVICES=f'{node.ALL_IN_ONE},kvm-insight-feed')
    one.stack()
    assert one.running() == {*ALL, 'kvm-insight-feed'}
    nova = (one.root / 'etc/nova/nova.conf').read_text()
    path = conf.load([str(one.configuration)]).feed.snapshot_path
    assert path.startswith(f'{one.root}/opt/stack/data/kvm-insight/')
    assert f'snapshot_path = {path}' in nova
    assert 'all_weighers,kvm_insight.feed.nova_weigher.Hot' in nova
    one.run('unstack')
    assert one.running() == set()


def test_a_second_run_changes_nothing(nodes: Maker) -> None:
    one = nodes()
    one.stack()
    first, calls = one.tree(), one.calls()
    one.stack()
    assert one.tree() == first
    again = one.calls()[len(calls) :]
    assert not [call for call in again if call.startswith(('mvn', 'java'))]
    assert not [call for call in again if call.startswith('run_process')]


def test_nothing_is_left_after_clean(nodes: Maker) -> None:
    one = nodes()
    before = one.tree()
    one.stack()
    assert (one.root / 'keystone/user.kvm-insight').exists()
    one.clean()
    assert one.tree() == before | one.venv()
    assert 'pip uninstall -y kvm-insight' in one.calls()
    one.clean()
    assert one.tree() == before | one.venv()


def test_unstack_leaves_no_unit_of_ours_failed(nodes: Maker) -> None:
    one = nodes()
    one.stack()
    one.run('unstack')
    assert 'systemctl reset-failed devstack@kvm-insight-kafka' in one.calls()


@pytest.mark.parametrize('count', range(1, len(node.STACK)))
def test_nothing_is_left_of_a_run_that_was_broken_off(
    nodes: Maker, count: int
) -> None:
    one = nodes()
    before = one.tree()
    one.run(*(f'stack {phase}' for phase in node.STACK[:count]))
    one.clean()
    assert one.tree() == before | one.venv()


def test_nothing_is_left_after_maven_failed(nodes: Maker) -> None:
    one = nodes()
    before = one.tree()
    done = one.tried('stack install', MAVEN_FAILS='1')
    assert done.returncode
    assert "Maven could not bring Kafka's jars" in done.stderr
    one.clean()
    assert one.tree() == before | one.venv()


def test_a_broker_is_not_taken_for_whole_after_maven_failed(
    nodes: Maker,
) -> None:
    one = nodes()
    assert one.tried('stack install', MAVEN_FAILS='1').returncode
    one.stack()
    assert one.calls().count('mvn') == 2
    assert (one.root / 'opt/stack/data/kvm-insight/kafka/jars').is_dir()


def test_unstack_ends_the_processes_and_what_keystone_knows(
    nodes: Maker,
) -> None:
    one = nodes()
    one.stack()
    assert one.running() == ALL
    one.run('unstack')
    assert one.running() == set()
    assert not (one.root / 'keystone').exists()
    one.stack()
    assert one.running() == ALL
    assert (one.root / 'keystone/service.kvm-insight').exists()


def test_unstack_goes_on_where_keystone_is_away(nodes: Maker) -> None:
    one = nodes()
    one.stack()
    one.run('unstack', KEYSTONE_AWAY='1')
    assert one.running() == set()


def test_unstack_frees_the_hosts_that_placement_has_as_marked(
    nodes: Maker,
) -> None:
    one = nodes()
    one.stack()
    one.run('unstack')
    assert not [call for call in one.calls() if ' feed ' in call]
    one.stack()
    with one.configuration.open('a') as file:
        file.write('\n[feed]\nactive = nova,placement\n')
    one.run('unstack')
    told = [call for call in one.calls() if ' feed ' in call]
    options = f'placement --config-file {one.configuration}'
    assert told == [
        f'kvm-insight feed clear {options}',
        f'kvm-insight feed on {options}',
    ]
    one.run('unstack')
    again = [call for call in one.calls() if ' feed ' in call]
    assert again == told, 'with its broker away'


def test_an_existing_broker_is_used_and_none_is_installed(
    nodes: Maker,
) -> None:
    one = nodes(KVM_INSIGHT_KAFKA_SERVERS='k1.example.org:9092,k2:9092')
    one.stack()
    assert one.running() == ALL - {'kvm-insight-kafka'}
    assert not [
        call for call in one.calls() if 'java' in call or 'jre' in call
    ]
    loaded = conf.load([str(one.configuration)])
    assert loaded.bus.servers == ['k1.example.org:9092', 'k2:9092']


def test_a_node_without_network_says_which_jars_it_needs(
    nodes: Maker,
) -> None:
    done = nodes(OFFLINE='True').tried('stack install')
    assert done.returncode
    assert 'kafka/jars has no jars of Kafka: bring them with' in done.stderr


def test_jars_that_are_there_are_used_and_stay(
    nodes: Maker, tmp_path: pathlib.Path
) -> None:
    jars = tmp_path / 'jars'
    jars.mkdir()
    for name in ('one.jar', 'two.jar'):
        (jars / name).touch()
    one = nodes(OFFLINE='True', KVM_INSIGHT_KAFKA_JARS=str(jars))
    one.stack()
    assert 'mvn' not in one.calls()
    path = f'-cp {jars}/one.jar:{jars}/two.jar kafka.Kafka'
    assert [call for call in one.calls() if path in call]
    one.clean()
    assert jars.is_dir()


def test_maven_is_told_of_proxies_and_mirror(nodes: Maker) -> None:
    user = 'joe:word'
    one = nodes(
        http_proxy='http://example.org:3128',
        https_proxy=f'http://{user}@127.0.0.1:3129/',
        no_proxy='localhost,.example.org',
        KVM_INSIGHT_MAVEN_MIRROR='http://127.0.0.1/maven',
    )
    one.run('stack install')
    kept = one.root.with_name('node.settings.xml')
    assert kept.stat().st_mode & 0o777 == 0o600
    root = ElementTree.parse(kept).getroot()
    told = [
        {field.tag: field.text for field in proxy}
        for proxy in root.iter('proxy')
    ]
    assert [(p['host'], p['port']) for p in told] == [
        ('example.org', '3128'),
        ('127.0.0.1', '3129'),
    ]
    assert (told[1]['username'], told[1]['password']) == ('joe', 'word')
    assert told[0]['nonProxyHosts'] == 'localhost|.example.org'
    assert root.findtext('.//mirror/url') == 'http://127.0.0.1/maven'
    assert not list(one.root.rglob('settings.xml')), 'the password stays'


def test_services_take_the_configuration_as_it_is_written(
    nodes: Maker,
) -> None:
    one = nodes(KVM_INSIGHT_INTERVAL='5')
    one.stack()
    loaded = conf.load([str(one.configuration)])
    agent.check(loaded)
    analyzer.settings(loaded)
    planner.settings(loaded)
    # Without this one the planner does not start.
    asked = cloud.settings(loaded)
    assert asked is not None
    assert asked.auth['username'] == 'kvm-insight'
    name, values = bus.driver_settings(loaded)
    assert name == 'kafka'
    assert values['servers'] == [
        f'127.0.0.1:{one.settings["KVM_INSIGHT_KAFKA_PORT"]}'
    ]
    assert loaded.agent.interval_s == 5
    assert agent.host_name(loaded) == 'compute-7', 'as Nova calls this host'
    state = one.root / 'opt/stack/data'
    assert loaded.agent.compute_id_file == f'{state}/nova/compute_id'
    assert loaded.bus.spool_path == f'{state}/kvm-insight/spool.db'


def test_the_password_is_for_the_user_of_the_services_alone(
    nodes: Maker,
) -> None:
    one = nodes(SERVICE_PASSWORD='pa$$ w0rd')
    one.stack()
    assert 'password = pa$$ w0rd' in one.configuration.read_text()
    assert one.configuration.stat().st_mode & 0o777 == 0o600
    assert 'w0rd' not in ' '.join(one.calls())


def test_a_compute_node_is_told_no_password(nodes: Maker) -> None:
    one = nodes(
        ENABLED_SERVICES='n-cpu', KVM_INSIGHT_KAFKA_SERVERS='10.0.0.1:9092'
    )
    one.stack()
    assert 'password' not in one.configuration.read_text()
    assert not (one.root / 'keystone').exists()


def test_the_agent_gets_two_capabilities_and_only_it(nodes: Maker) -> None:
    one = nodes()
    one.stack()
    (added,) = (one.root / 'etc/systemd/system').rglob('*.conf')
    assert added.parent.name == 'devstack@kvm-insight-agent.service.d'
    assert 'AmbientCapabilities=CAP_BPF CAP_PERFMON' in added.read_text()


def test_the_agent_gets_none_where_that_is_turned_off(nodes: Maker) -> None:
    one = nodes()
    one.stack()
    one.stack(KVM_INSIGHT_EBPF='False')
    assert not list((one.root / 'etc/systemd/system').iterdir())


def test_the_user_gets_the_role_that_local_conf_names(nodes: Maker) -> None:
    one = nodes(KVM_INSIGHT_ROLE='')
    one.stack()
    assert 'create_service_user kvm-insight ' in one.calls()
    one.stack(KVM_INSIGHT_ROLE='reader')
    assert 'create_service_user kvm-insight reader' in one.calls()
