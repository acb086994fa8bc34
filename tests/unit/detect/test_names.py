# SPDX-License-Identifier: Apache-2.0
"""Findings, hours and reports have the names that the cloud has now."""

import msgspec
import pytest

from kvm_insight.detect import names, words
from kvm_insight.model import codec, finding, host_report, inventory, usage
from tests.scenario import small_cloud as cloud

VICTIM, AGGRESSOR = cloud.guests()[:2]
_replace = msgspec.structs.replace


def found() -> finding.Finding:
    told = cloud.found(VICTIM, AGGRESSOR, cloud.NOW_US)
    victim = _replace(told.victim, instance_name='old', project_name='blue')
    summary = f'{words.party(victim)} waits'
    return _replace(told, victim=victim, summary=summary)


def told(*facts: inventory.Facts) -> names.Names:
    one = names.Names()
    for each in facts:
        one.take(inventory.key(each), codec.encode(each))
    return one


HOST = inventory.HostFacts(
    host='r/0',
    availability_zone='north',
    aggregates=['fast disks'],
    instances={VICTIM.uuid: 'shop'},
)
GROUP = inventory.GroupFacts(group='g1', name='pair', members=[VICTIM.uuid])


def test_without_a_cloud_a_finding_stays_as_it_is() -> None:
    one = found()
    assert names.Names().named(one) is one


def test_a_renamed_instance_has_its_new_name_also_in_words() -> None:
    project = inventory.ProjectFacts(project_id='blue', name='Blue Ltd')
    one = told(HOST, GROUP, project).named(found())
    assert one.victim.instance_name == 'shop'
    assert one.victim.project_name == 'Blue Ltd'
    assert one.victim.server_group == 'pair'
    assert one.summary == 'shop (project Blue Ltd) waits'
    assert (one.availability_zone, one.aggregates) == ('north', ['fast disks'])
    (other,) = one.aggressors
    assert other.party.server_group is None
    assert one.id == found().id


def test_who_left_a_group_and_what_was_deleted_is_not_named() -> None:
    one = told(HOST, GROUP, _replace(GROUP, members=[]))
    assert one.named(found()).victim.server_group is None
    one = told(HOST, GROUP)
    one.take('group/g1', None)
    one.take('host/r/0', None)
    one.take('outlook/r/0', b'not looked at')
    assert one.named(found()) == found()


def test_names_that_are_part_of_one_another_are_not_mixed_up() -> None:
    before = found()
    victim = _replace(before.victim, instance_name='web', project_name=None)
    victim = _replace(victim, project_id=None)
    (one,) = before.aggressors
    other = _replace(one.party, instance_name='prod-web', project_id=None)
    before = _replace(
        before,
        victim=victim,
        aggressors=[_replace(one, party=other)],
        summary='web waits because of prod-web',
    )
    host = _replace(HOST, instances={VICTIM.uuid: 'db'})
    assert told(host).named(before).summary == 'db waits because of prod-web'
    swapped = {VICTIM.uuid: 'prod-web', AGGRESSOR.uuid: 'db'}
    after = told(_replace(HOST, instances=swapped)).named(before)
    assert after.summary == 'prod-web waits because of db'


def test_a_user_has_a_name_and_no_word_for_people_has_it() -> None:
    before = found()
    victim = _replace(before.victim, user_id='u1', user_name='old-login')
    before = _replace(before, victim=victim)
    facts = inventory.UserFacts(user_id='u1', name='new-login')
    one = told(facts)
    after = one.named(before)
    assert after.victim.user_name == 'new-login'
    assert 'login' not in after.summary
    one.take('user/u1', None)
    assert one.named(before).victim.user_name == 'old-login'


def test_who_is_renamed_while_a_finding_stands_is_told_at_once() -> None:
    one, standing = names.Names(), found()

    def told(*new: finding.Finding) -> list[finding.Finding]:
        return one.told('r/0', new, [standing])

    assert told(standing) == [standing]
    assert told() == []
    one.take('host/r/0', codec.encode(HOST))
    (again,) = told()
    assert again.victim.instance_name == 'shop'
    assert (again.id, again.state) == (standing.id, 'update')
    assert told() == []
    # Somebody else came there: this one is called as before.
    other = _replace(HOST, instances={**HOST.instances, AGGRESSOR.uuid: 'x'})
    one.take('host/r/0', codec.encode(other))
    (named,) = told()
    assert [x.party.instance_name for x in named.aggressors] == ['x']
    one.take('host/r/9', codec.encode(_replace(HOST, host='r/9')))
    assert told() == []
    closed = _replace(standing, state='closed')
    assert [x.state for x in one.told('r/0', [closed], [])] == ['closed']
    one.take('host/r/0', codec.encode(HOST))
    assert one.told('r/0', [], []) == []


def test_without_names_nothing_is_told_twice() -> None:
    one, standing = names.Names(), found()
    for _ in range(3):
        assert one.told('r/0', [], [standing]) == []


HOUR = usage.HostUsage(
    host='r/0',
    start_us=0,
    agent_id='a',
    first_sequence=0,
    last_sequence=9,
    instances=[
        usage.Instance(uuid=VICTIM.uuid, name='vm-1', project_id='blue'),
        usage.Instance(uuid=AGGRESSOR.uuid, name='vm-2', project_id='red'),
    ],
)
REPORT = host_report.HostReport(
    host='r/0',
    time_us=0,
    agent_id='a',
    sequence=9,
    window_s=120,
    cpus=2,
    instances=[
        host_report.Instance(
            uuid=one.uuid, name=one.name, project_id=one.project_id, vcpus=1
        )
        for one in HOUR.instances
    ],
)
PROJECT = inventory.ProjectFacts(project_id='blue', name='Blue Ltd')


@pytest.mark.parametrize('record', [HOUR, REPORT])
def test_hours_and_reports_say_whose_and_where(
    record: usage.HostUsage | host_report.HostReport,
) -> None:
    one = told(HOST, GROUP, PROJECT).labelled(record)
    assert (one.availability_zone, one.aggregates) == ('north', ['fast disks'])
    victim, other = one.instances
    assert (victim.name, victim.instance_name) == ('vm-1', 'shop')
    assert (victim.project_name, victim.server_group) == ('Blue Ltd', 'pair')
    assert other is record.instances[1]
    # Nothing but names is changed by it.
    bare = _replace(
        victim, instance_name=None, project_name=None, server_group=None
    )
    assert bare == record.instances[0]
    assert record.instances[0].instance_name is None


def test_each_name_is_told_without_the_others() -> None:
    named = [
        told(each).labelled(HOUR)
        for each in (
            inventory.HostFacts(host='r/0', aggregates=['fast disks']),
            inventory.HostFacts(host='r/0', availability_zone='north'),
            _replace(GROUP, name=None),
            PROJECT,
        )
    ]
    assert [one.aggregates for one in named] == [['fast disks'], [], [], []]
    zones = [one.availability_zone for one in named]
    assert zones == [None, 'north', None, None]
    victims = [one.instances[0] for one in named]
    assert [x.server_group for x in victims] == [None, None, 'g1', None]
    assert [x.project_name for x in victims] == [None, None, None, 'Blue Ltd']


@pytest.mark.parametrize('record', [HOUR, REPORT])
def test_of_what_no_name_is_known_the_record_stays_the_same(
    record: usage.HostUsage | host_report.HostReport,
) -> None:
    assert names.Names().labelled(record) is record
    elsewhere = inventory.HostFacts(
        host='r/9', availability_zone='north', instances={VICTIM.uuid: 'x'}
    )
    bare = inventory.HostFacts(host='r/0')
    assert told(elsewhere, bare).labelled(record) is record
    one = told(HOST, GROUP, PROJECT)
    for key in ('host/r/0', 'group/g1', 'project/blue'):
        one.take(key, None)
    assert one.labelled(record) is record
