# SPDX-License-Identifier: Apache-2.0
"""What instances wanted, joined from the hours of all hosts."""

import random

import numpy
import pytest

from kvm_insight.model import usage
from kvm_insight.recommend import history
from tests.scenario import small_cloud as cloud

LAST = cloud.NOW_US // usage.HOUR_US
GUEST = cloud.Guest('vic', 'r/0', 1.5)
PARTS = usage.PARTS


def hour(
    number: int, cores: list[float | None], host: str = 'r/0'
) -> usage.HostUsage:
    """An hour in whose five minutes so much was wanted, or not measured."""
    parts = [
        (0, 0)
        if each is None
        else (usage.PART_US, round(each * usage.PART_US))
        for each in cores
    ]
    return usage.HostUsage(
        host=host,
        start_us=number * usage.HOUR_US,
        agent_id='a',
        first_sequence=1,
        last_sequence=2,
        instances=[
            usage.Instance(
                uuid=GUEST.uuid,
                vcpus=2,
                cpu=usage.Cpu(measured_us=usage.HOUR_US, parts=parts),
            )
        ],
    )


def known(past: history.History) -> list[float | None]:
    return [
        None if numpy.isnan(one) else round(float(one), 3)
        for one in past.parts(GUEST.uuid)
    ]


def test_hours_come_in_any_order_and_again() -> None:
    made = cloud.hours(cloud.guests(), 40)
    inorder, shuffled = history.History(30), history.History(30)
    for one in made:
        inorder.take(one)
    random.Random(1).shuffle(made)
    for one in [*made, *made[:20]]:
        shuffled.take(one)
    uuids = [uuid for uuid, _ in inorder.pasts()]
    assert set(uuids) == {uuid for uuid, _ in shuffled.pasts()}
    for uuid in uuids:
        ours, theirs = inorder.parts(uuid), shuffled.parts(uuid)
        numpy.testing.assert_array_equal(ours, theirs)
        assert len(ours) == 30 * PARTS


def test_it_ends_now_and_gaps_are_gaps() -> None:
    past = history.History(24)
    past.take(hour(LAST - 3, [1.0] * PARTS))
    past.take(hour(LAST - 1, [2.0, None] * (PARTS // 2)))
    found = known(past)
    assert found[-PARTS:] == [2.0, None] * (PARTS // 2)
    assert found[-2 * PARTS : -PARTS] == [None] * PARTS
    assert found[-3 * PARTS : -2 * PARTS] == [1.0] * PARTS
    assert found[: -3 * PARTS] == [None] * 21 * PARTS


def test_history_follows_an_instance_that_moves() -> None:
    past = history.History(24)
    half = PARTS // 2
    past.take(hour(LAST - 1, [1.0] * half + [None] * half, 'r/0'))
    past.take(hour(LAST - 1, [None] * half + [3.0] * half, 'r/4'))
    assert known(past)[-PARTS:] == [1.0] * half + [3.0] * half
    one = past.get(GUEST.uuid)
    assert one is not None
    assert one.host == 'r/4'


def test_who_is_silent_has_nothing_of_late() -> None:
    past = history.History(24)
    past.take(hour(LAST - 5, [1.0] * PARTS))
    other = cloud.hours([cloud.Guest('other', 'r/9', 1.0)], 1)
    past.take(other[0])
    found = known(past)
    assert len(found) == 24 * PARTS
    assert found[-4 * PARTS :] == [None] * 4 * PARTS
    assert found[-5 * PARTS : -4 * PARTS] == [1.0] * PARTS


def test_who_is_silent_for_long_is_forgotten() -> None:
    past = history.History(24)
    past.take(hour(LAST - 40, [1.0] * PARTS))
    past.take(cloud.hours([cloud.Guest('other', 'r/9', 1.0)], 1)[0])
    assert past.get(GUEST.uuid) is None
    assert len(past.parts(GUEST.uuid)) == 0
    past.take(hour(LAST - 40, [1.0] * PARTS))
    assert past.get(GUEST.uuid) is None


def test_suffering_is_of_the_last_day() -> None:
    past = history.History(72)
    for told in cloud.hours([GUEST], 60):
        past.take(told)
    one = past.get(GUEST.uuid)
    assert one is not None
    assert history.suffering(one) == pytest.approx(0.1)
    idle = history.History(24)
    idle.take(hour(LAST - 1, [None] * PARTS))
    one = idle.get(GUEST.uuid)
    assert one is not None
    assert history.suffering(one) is None
