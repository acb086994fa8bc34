# SPDX-License-Identifier: Apache-2.0
"""What a planner has to tell of the cloud: what is new, and once an hour."""

from kvm_insight.model import inventory
from kvm_insight.recommend import news, world
from tests.scenario import small_cloud as cloud

NOW_US = 7_200_000_000
WHOLE = cloud.described(cloud.guests(1, 2), 2, NOW_US)
COOL = inventory.Outlook(host='r/0', state='cool')


def test_facts_are_told_again_until_they_are_on_the_bus() -> None:
    one = news.News()
    seen = world.World(24)
    first = one.of(WHOLE, seen, {})
    assert first[0]
    # The lease was lost in the middle: the same is still to be told.
    assert one.of(WHOLE, seen, {}) == first
    one.told()
    assert one.of(WHOLE, seen, {}) == ([], [])


def test_an_outlook_is_told_when_it_changes_even_without_a_cluster() -> None:
    one = news.News()
    seen = world.World(24)
    assert one.of(None, seen, {'r/0': COOL}) == ([COOL], [])
    seen.facts[inventory.key(COOL)] = COOL
    assert one.of(None, seen, {'r/0': COOL}) == ([], [])
    one.told()
    # Without a cluster nothing of it counts as told.
    assert one.of(WHOLE, seen, {})[0]
