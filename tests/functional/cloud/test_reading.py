# SPDX-License-Identifier: Apache-2.0
"""A real cloud is read with a role of our own, and again as it changes."""

import logging
import time

import pytest

from kvm_insight import exception
from kvm_insight.cloud import client, watch
from kvm_insight.model import cluster
from kvm_insight.recommend import sanity
from tests.functional.cloud import conftest

#: The first one waits for the cloud.
pytestmark = pytest.mark.timeout(900)

FAULTS: tuple[int | str, ...] = (
    401,
    403,
    409,
    429,
    500,
    503,
    'broken',
    'slow',
)


def named(found: cluster.Cluster, name: str) -> cluster.Instance | None:
    return next((one for one in found.instances if one.name == name), None)


def fits(found: cluster.Cluster) -> bool:
    """Say whether Placement has of each host what Nova has there."""
    return all(
        host.inventories['VCPU'].used
        == sum(one.host == host.name for one in found.instances)
        for host in found.hosts
    )


def refused(one: watch.Watch, words: str) -> bool:
    """Say whether the state is not known, with these words."""
    try:
        one.read()
    except exception.CloudUnavailable as why:
        return words in str(why)
    return False


def test_instances_of_two_projects_have_their_names_and_places(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    with watch.Watch(stage.asked()) as one:

        def settled() -> cluster.Cluster | None:
            now = one.read()
            return now if fits(now) else None

        found: cluster.Cluster = conftest.within(120, settled)
    assert sanity.check(found).left_out == []
    assert {x.name for x in found.hosts} == {'compute1', 'compute2'}
    for name, project in (
        ('a1', 'tenant-a'),
        ('a2', 'tenant-a'),
        ('b1', 'tenant-b'),
    ):
        instance = named(found, name)
        assert instance is not None
        assert instance.uuid == servers[name]
        assert instance.host == stage.on(servers[name])
        assert found.projects[instance.project_id] == project
        assert instance.live_migratable
        assert instance.resources == {
            'VCPU': 1,
            'MEMORY_MB': 128,
            'DISK_GB': 1,
        }
    first, second = named(found, 'a1'), named(found, 'a2')
    assert first is not None
    assert second is not None
    assert first.user_id == second.user_id is not None
    assert (first.availability_zone, second.availability_zone) == (
        conftest.ZONE,
        None,
    )
    third = named(found, 'b1')
    assert third is not None
    assert third.flavor is not None
    assert third.flavor.extra_specs == {'kvm_insight:movable': 'false'}
    for host in found.hosts:
        assert host.availability_zone == conftest.ZONE
        assert host.cpu is not None


def test_owners_have_names_a_poll_later(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    with watch.Watch(stage.asked()) as one:

        def names() -> bool:
            return {'tenant-a', 'tenant-b'} <= {*one.read().users.values()}

        conftest.within(120, names)


def test_server_groups_are_for_admin_and_nobody_guesses_them(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    with watch.Watch(stage.asked('admin', 'admin')) as one:
        found: cluster.Cluster = conftest.within(120, one.read)
    first, second = named(found, 'a1'), named(found, 'a2')
    assert first is not None
    assert second is not None
    assert first.server_group == second.server_group
    group = {x.id: x for x in found.server_groups}[first.server_group or '']
    assert (group.name, group.policy) == ('pair', 'soft-anti-affinity')
    with watch.Watch(stage.asked(server_groups=True)) as one:
        conftest.within(120, lambda: refused(one, 'server_groups'))


def test_a_new_name_shows_within_one_poll(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    tenant = stage.tenant('tenant-b')
    path = f'/servers/{servers["b1"]}'
    with watch.Watch(stage.asked()) as one:
        conftest.within(120, lambda: named(one.read(), 'b1'))
        for name in ('shop', 'b1'):
            tenant.call('PUT', 'nova', path, {'server': {'name': name}})
            began = time.monotonic()
            conftest.within(20, lambda: named(one.read(), name))  # noqa: B023
            # The poll is each second, and takes its own time; the busier
            # the machine is, the longer.
            assert time.monotonic() - began < 15


def test_who_is_deleted_is_gone_and_holds_nothing(
    stage: conftest.Stage, servers: dict[str, str]
) -> None:
    gone = stage.boot('tenant-b', 'brief')
    stage.wait_active(gone)
    tenant = stage.tenant('tenant-b')
    path = f'/servers/{gone}'
    with watch.Watch(stage.asked()) as one:
        conftest.within(120, lambda: named(one.read(), 'brief'))
        tenant.call('DELETE', 'nova', path)
        conftest.within(120, lambda: named(one.read(), 'brief') is None)

        conftest.within(120, lambda: fits(one.read()))


@pytest.mark.parametrize('service', ['compute', 'placement'])
def test_a_service_that_fails_leaves_the_last_known_state(
    stage: conftest.Stage,
    servers: dict[str, str],
    service: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, 'kvm_insight')
    asked = stage.asked(timeout_s=8.0, poll_s=0.3)
    with watch.Watch(asked) as one:
        for fault in FAULTS:
            before = conftest.within(120, one.read)
            caplog.clear()
            stage.front.faults[service] = fault
            conftest.within(120, lambda: 'cannot be read' in caplog.text)
            kept = one.read()
            assert {'a1', 'a2', 'b1'} <= {x.name for x in kept.instances}
            assert kept.time_us >= before.time_us
            refused = isinstance(fault, int) and fault in (401, 403)
            if isinstance(fault, int):
                assert str(fault) in caplog.text or refused
            stage.front.faults.clear()
            conftest.within(120, lambda: one.read().time_us > kept.time_us)  # noqa: B023
            assert stage.where.secret('kvm-insight') not in caplog.text
            assert 'gAAAA' not in caplog.text


@pytest.mark.parametrize('fault', FAULTS)
def test_keystone_that_fails_at_the_start_is_waited_for(
    stage: conftest.Stage, servers: dict[str, str], fault: int | str
) -> None:
    stage.front.faults['identity'] = fault
    asked = stage.asked(timeout_s=8.0, poll_s=0.3)
    with watch.Watch(asked) as one:
        with pytest.raises(exception.CloudUnavailable):
            one.read()

        def told() -> bool:
            try:
                one.read()
            except exception.CloudUnavailable as why:
                return 'first time' not in str(why)
            return False

        conftest.within(120, told)
        stage.front.faults.clear()
        conftest.within(120, lambda: one.read().instances)


def test_services_that_are_stopped_for_real_are_waited_for(
    stage: conftest.Stage,
    servers: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = stage.asked(direct=True, poll_s=0.3, max_age_s=3600)
    with watch.Watch(asked) as one:
        for name in ('placement', 'nova', 'keystone'):
            before = conftest.within(120, one.read)
            # It is said once, perhaps before the service has quite ended.
            caplog.clear()
            stage.cloud.stop(name)
            try:
                if name != 'keystone':
                    # With a token at hand Nova and Placement need none.
                    conftest.within(
                        60, lambda: 'cannot be read' in caplog.text
                    )
                assert one.read().instances == before.instances
            finally:
                stage.cloud.start(name)
            now_us = time.time_ns() // 1000
            conftest.within(120, lambda: one.read().time_us > now_us)  # noqa: B023


def test_a_wrong_password_is_said_without_it(stage: conftest.Stage) -> None:
    asked = stage.asked(password='not-the-one-at-all')
    with (
        client.Client(asked) as one,
        pytest.raises(exception.CloudRefused, match='identity') as caught,
    ):
        one.get('compute', '/servers/detail')
    assert 'not-the-one-at-all' not in str(caught.value)


def test_without_our_role_the_policy_is_named(stage: conftest.Stage) -> None:
    with watch.Watch(stage.asked('tenant-a', 'tenant-a')) as one:
        conftest.within(120, lambda: refused(one, '403'))
        conftest.within(120, lambda: refused(one, 'policy files'))
