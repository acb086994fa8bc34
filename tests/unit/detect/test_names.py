# SPDX-License-Identifier: Apache-2.0
"""A finding has the names that the cloud has now."""

import msgspec

from kvm_insight.detect import names, words
from kvm_insight.model import codec, finding, inventory
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
