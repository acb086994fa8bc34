# SPDX-License-Identifier: Apache-2.0
"""What was read of a cloud becomes a cluster, and stays fresh."""

import copy
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.cloud import assembly, client, nova, reader
from kvm_insight.model import cluster, codec
from kvm_insight.recommend import sanity
from tests.unit.cloud import wire


def whole(ask: wire.Wire) -> cluster.Cluster:
    return assembly.assembled(reader.Reader(ask).sweep(), 'host-model', None)


def instance(found: cluster.Cluster, name: str) -> cluster.Instance:
    return next(one for one in found.instances if one.name == name)


def host(found: cluster.Cluster, name: str) -> cluster.Host:
    return next(one for one in found.hosts if one.name == name)


def test_a_recorded_cloud_is_a_sound_cluster() -> None:
    found = whole(wire.Wire())
    assert codec.decode(codec.encode(found), cluster.Cluster) == found
    sound = sanity.check(found)
    assert sound.left_out == []
    assert {one.name for one in sound.hosts} == {
        'compute1',
        'compute2',
        'fake1',
    }
    first = instance(found, 'a1')
    assert found.projects[first.project_id] == 'tenant-a'
    assert first.host == 'compute2'
    assert first.availability_zone == 'north'
    assert instance(found, 'a2').availability_zone is None
    assert first.server_group == instance(found, 'a2').server_group
    assert first.resources == {'VCPU': 1, 'MEMORY_MB': 128, 'DISK_GB': 1}
    assert first.live_migratable
    other = instance(found, 'b1')
    assert other.flavor is not None
    assert other.flavor.extra_specs['kvm_insight:movable'] == 'false'
    assert other.flavor.flavor_id is not None
    assert other.image['hw_machine_type'] == 'pc'
    (moved,) = found.migrations
    assert (moved.instance, moved.state) == (first.uuid, 'done')
    assert (moved.source, moved.destination) == ('compute1', 'compute2')
    there = host(found, 'compute2')
    assert there.availability_zone == 'north'
    assert there.cpu is not None
    assert there.hypervisor_version == 7002022
    assert there.inventories['VCPU'].used == 2
    assert there.inventories['MEMORY_MB'].reserved == 512


def test_hosts_of_a_region_carry_its_name_everywhere() -> None:
    known = reader.Reader(wire.Wire()).sweep()
    found = assembly.assembled(known, 'custom', 'North')
    assert sanity.check(found).left_out == []
    assert {one.name for one in found.hosts} == {
        'North/compute1',
        'North/compute2',
        'North/fake1',
    }
    assert found.migrations[0].destination == 'North/compute2'


def test_a_zone_that_placement_does_not_know_is_none() -> None:
    ask = wire.Wire()
    ask.members.remove(host(whole(ask), 'compute1').provider or '')
    found = whole(ask)
    assert host(found, 'compute1').availability_zone is None
    assert host(found, 'compute2').availability_zone == 'north'


def test_a_host_that_is_disabled_for_maintenance_is_to_be_emptied() -> None:
    ask = wire.Wire()
    services = ask.answers['compute', '/os-services']['services']
    for one, reason in zip(
        services, ('Maintenance: fan', 'odd'), strict=False
    ):
        one |= {'status': 'disabled', 'disabled_reason': reason}
    services[2]['forced_down'] = True
    found = whole(ask)
    first, second, third = (host(found, one['host']) for one in services)
    assert (first.enabled, first.maintenance, first.up) == (False, True, True)
    assert (second.enabled, second.maintenance) == (False, False)
    assert (third.enabled, third.up) == (True, False)


def test_who_holds_something_below_a_host_is_not_moved() -> None:
    ask = wire.Wire()
    providers = ask.answers['placement', '/resource_providers']
    root = providers['resource_providers'][0]['uuid']
    below = 'aaaaaaaa-0000-4000-8000-000000000001'
    providers['resource_providers'].append(
        {'uuid': below, 'generation': 1, 'root_provider_uuid': root}
    )
    held = {ask.server('a1')['id']: {'resources': {'VGPU': 1}}}
    path = f'/resource_providers/{below}/allocations'
    ask.answers['placement', path] = {'allocations': held}
    found = whole(ask)
    assert not instance(found, 'a1').live_migratable
    assert instance(found, 'a2').live_migratable


def test_who_has_no_allocation_is_not_moved() -> None:
    ask = wire.Wire()
    for (service, path), body in ask.answers.items():
        if service == 'placement' and path.endswith('/allocations'):
            body['allocations'].pop(ask.server('a2')['id'], None)
    found = whole(ask)
    assert not instance(found, 'a2').live_migratable
    assert instance(found, 'a2').resources['MEMORY_MB'] == 128


@pytest.mark.parametrize(
    ('field', 'words'),
    [
        ('OS-EXT-SRV-ATTR:host', 'on which host'),
        ('extra_specs', 'extra specs'),
    ],
)
def test_what_a_policy_hides_is_an_error_and_no_guess(
    field: str, words: str
) -> None:
    ask = wire.Wire()
    server = ask.server('b1')
    server.pop(field, None)
    server['flavor'].pop(field, None)
    with pytest.raises(exception.CloudRefused, match=words):
        whole(ask)


def test_a_cell_that_is_away_is_an_error_and_no_empty_cell() -> None:
    ask = wire.Wire()
    server = ask.server('b1')
    for name in set(server) - {'id', 'tenant_id', 'status'}:
        del server[name]
    server['status'] = 'UNKNOWN'
    with pytest.raises(exception.CloudUnavailable, match='cells'):
        whole(ask)


def test_a_nova_that_is_too_old_is_refused_by_its_version() -> None:
    ask = wire.Wire()
    ask.version = (2, 79)
    with pytest.raises(exception.CloudRefused, match=r'2\.79; 2\.90'):
        whole(ask)


def test_who_is_no_admin_is_told_that_groups_are_hidden() -> None:
    ask = wire.Wire()
    ask.mine = frozenset({'kvm_insight'})
    with pytest.raises(exception.CloudRefused, match='server_groups'):
        whole(ask)
    known = reader.Reader(ask, grouped=False).sweep()
    found = assembly.assembled(known, 'host-model', None)
    assert found.server_groups == []
    assert len(found.instances) == 3


def test_migrations_without_hosts_are_an_error_and_not_none() -> None:
    ask = wire.Wire()
    (moved,) = ask.answers['compute', '/os-migrations']['migrations']
    moved['source_compute'] = None
    with pytest.raises(exception.CloudRefused, match='migrations'):
        whole(ask)


def test_without_names_of_projects_all_else_is_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ask = wire.Wire()
    del ask.answers['identity', '/projects']
    one = reader.Reader(ask)
    known = one.sweep()
    assert known.projects == {}
    assert len(known.servers) == 3
    one.sweep()
    assert caplog.text.count('names of projects') == 1


def test_names_of_projects_stay_while_keystone_does_not_tell_them() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    assert known.projects
    told = ask.answers.pop(('identity', '/projects'))
    again = one.sweep(known.projects)
    assert again.projects == known.projects
    ask.answers['identity', '/projects'] = told
    told['projects'][0]['name'] = 'renamed'
    assert one.sweep(again.projects).projects == known.projects | {
        told['projects'][0]['id']: 'renamed'
    }


def test_a_poll_has_the_names_that_a_sweep_could_not_read() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    told = ask.answers.pop(('identity', '/projects'))
    known = one.poll(one.sweep())
    assert known.projects == {}
    ask.answers['identity', '/projects'] = told
    known = one.poll(known)
    assert 'tenant-a' in known.projects.values()
    ask.asked.clear()
    one.poll(known)
    # They are not read at each poll.
    assert ask.count('/projects') == 0


def test_a_poll_reads_only_what_has_changed() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    ask.asked.clear()
    again = one.poll(known)
    assert ask.count('/inventories') == 0
    # Migrations of the last two minutes are told again; this one is older.
    assert again.servers == known.servers
    assert again.holdings == known.holdings
    assert again.time_us > known.time_us
    assert len(ask.asked) < 16


def test_a_new_name_a_deletion_and_a_newcomer_show_in_the_next_poll() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    renamed = {**ask.server('a1'), 'name': 'shop'}
    gone = {
        'id': ask.server('a2')['id'],
        'status': 'DELETED',
        'tenant_id': 'x',
    }
    fresh = copy.deepcopy(ask.server('b1'))
    fresh |= {'id': 'aaaaaaaa-0000-4000-8000-000000000002', 'name': 'b9'}
    fresh['tenant_id'] = '0' * 32
    projects = ask.answers['identity', '/projects']['projects']
    projects.append({'id': '0' * 32, 'name': 'newcomers'})
    ask.changed = [renamed, gone, fresh]
    found = assembly.assembled(one.poll(known), 'host-model', None)
    assert {x.name for x in found.instances} == {'shop', 'b1', 'b9'}
    assert found.projects['0' * 32] == 'newcomers'
    # What was known before is as it was.
    assert len(known.servers) == 3


def test_a_host_is_read_again_when_an_instance_there_was_deleted() -> None:
    # Placement's generation stays as it was when allocations are deleted.
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    victim = ask.server('a2')
    for (service, path), body in ask.answers.items():
        if service == 'placement' and path.endswith('/allocations'):
            body['allocations'].pop(victim['id'], None)
    ask.changed = [{**victim, 'status': 'DELETED'}]
    found = assembly.assembled(one.poll(known), 'host-model', None)
    assert host(found, 'compute2').inventories['VCPU'].used == 1


def test_a_host_whose_generation_has_changed_is_read_again() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    provider = ask.answers['placement', '/resource_providers'][
        'resource_providers'
    ][0]
    provider['generation'] += 1
    path = f'/resource_providers/{provider["uuid"]}/inventories'
    ask.answers['placement', path]['inventories']['VCPU']['reserved'] = 1
    ask.asked.clear()
    again = one.poll(known)
    assert ask.count('/inventories') == 1
    assert again.holdings[provider['uuid']].inventories['VCPU'].reserved == 1


def test_hypervisors_are_read_again_when_a_service_or_a_provider_is_new() -> (
    None
):
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    ask.asked.clear()
    known = one.poll(known)
    assert ask.count('/os-hypervisors') == 0
    assert len(known.hypervisors) == 3
    ask.answers['compute', '/os-services']['services'][0]['state'] = 'down'
    known = one.poll(known)
    assert ask.count('/os-hypervisors') == 2
    fresh = 'aaaaaaaa-0000-4000-8000-000000000009'
    providers = ask.answers['placement', '/resource_providers']
    providers['resource_providers'].append(
        {'uuid': fresh, 'generation': 1, 'root_provider_uuid': fresh}
    )
    known = one.poll(known)
    assert ask.count('/os-hypervisors') == 4
    one.poll(known)
    assert ask.count('/os-hypervisors') == 4


def test_what_is_not_used_any_more_is_free_at_the_same_generation() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    uuid = next(x.id for x in known.hypervisors if x.service.host == 'fake1')
    host = known.holdings[uuid]
    path = f'/resource_providers/{uuid}/allocations'
    ask.answers['placement', path]['allocations'] = {
        ask.server('a1')['id']: {'resources': {'VCPU': 2}}
    }
    again = one.poll(known, ['fake1']).holdings[uuid]
    assert again.inventories['VCPU'].used == 2
    assert again.traits == host.traits
    ask.answers['placement', path]['allocations'] = {}
    again = one.poll(known, ['fake1']).holdings[uuid]
    assert again.inventories['VCPU'].used == 0
    assert again.inventories['VCPU'].total == host.inventories['VCPU'].total


@pytest.mark.parametrize('broken', ['/servers/detail', '/inventories'])
def test_what_is_read_beside_ends_with_the_first_error(broken: str) -> None:
    class Broken(wire.Wire):
        def get(
            self,
            service: client.Service,
            path: str,
            version: str | None = None,
        ) -> bytes:
            if broken in path:
                raise exception.CloudUnavailable('503')
            return super().get(service, path, version)

    before = threading.active_count()
    with pytest.raises(exception.CloudUnavailable, match='503'):
        reader.Reader(Broken()).sweep()
    assert threading.active_count() == before


def test_a_host_that_somebody_asks_for_is_read_again() -> None:
    ask = wire.Wire()
    one = reader.Reader(ask)
    known = one.sweep()
    ask.asked.clear()
    one.poll(known, ['compute1'])
    assert ask.count('/allocations') == 1
    # What there is has not changed, its generation says.
    assert ask.count('/inventories') == 0


def test_a_provider_that_goes_while_it_is_read_is_left_out() -> None:
    ask = wire.Wire()
    known = reader.Reader(ask).sweep()
    gone = next(iter(known.holdings))
    del ask.answers['placement', f'/resource_providers/{gone}/traits']
    found = whole(ask)
    there = next(one for one in found.hosts if one.provider == gone)
    assert there.inventories == {}


@given(st.binary(max_size=200))
def test_no_answer_breaks_more_than_itself(value: bytes) -> None:
    for parse in (
        nova.parse_servers,
        nova.parse_services,
        nova.parse_hypervisors,
        nova.parse_aggregates,
        nova.parse_groups,
        nova.parse_migrations,
        nova.parse_flavors,
    ):
        with pytest.raises(exception.CloudUnavailable):
            parse(value)
