# SPDX-License-Identifier: Apache-2.0
"""Cohorts count late enough to be the same live, in a replay, for anybody."""

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.detect import cohorts
from kvm_insight.model import codec, inventory, sample, usage

HOUR_US = usage.HOUR_US
MINUTE_US = 60_000_000
END_US = 400_000 * HOUR_US
UUID = '0897ccdd-6650-4b18-9ebb-7b646f3e8385'


def cohort(until_us: int = END_US, **more: object) -> inventory.Cohort:
    plain = inventory.Cohort(
        since_us=until_us - 24 * HOUR_US,
        until_us=until_us,
        instances=8,
        hosts=4,
        suffering=0.02,
        deviation=0.01,
        use=0.2,
        peak=0.6,
    )
    return msgspec.structs.replace(plain, **more)


def flavor(usual: inventory.Cohort | None) -> inventory.FlavorFacts:
    return inventory.FlavorFacts(flavor='small', cohort=usual)


def known(*told: inventory.Facts) -> cohorts.Cohorts:
    found = cohorts.Cohorts()
    for one in told:
        found.take(inventory.key(one), codec.encode(one))
    return found


def domain(flavor: str | None = 'small') -> sample.Domain:
    return sample.Domain(
        uuid=UUID,
        name='one',
        epoch='1.1',
        state='running',
        identity=sample.Identity(
            source='nova',
            flavor=sample.Flavor(name=flavor),
        ),
    )


def test_it_counts_from_a_quarter_of_an_hour_to_a_day_after_its_end() -> None:
    found = known(flavor(cohort()))
    first_us = END_US + 15 * MINUTE_US
    assert found.usual(domain(), first_us - 1) is None
    assert found.usual(domain(), first_us) == cohort()
    last_us = END_US + 24 * HOUR_US
    assert found.usual(domain(), last_us - 1) == cohort()
    assert found.usual(domain(), last_us) is None


def test_the_newest_that_counts_is_taken_though_newer_ones_are_there() -> None:
    hours = [cohort(END_US + number * HOUR_US) for number in range(3)]
    found = known(*map(flavor, hours))
    for one in hours:
        at_us = one.until_us + 20 * MINUTE_US
        assert found.usual(domain(), at_us) == one


def test_a_server_group_goes_before_the_flavor() -> None:
    group = inventory.GroupFacts(
        group='g1', members=[UUID], cohort=cohort(use=0.9)
    )
    found = known(flavor(cohort()), group)
    at_us = END_US + HOUR_US // 2
    assert found.usual(domain(), at_us) == cohort(use=0.9)
    left = msgspec.structs.replace(group, members=[])
    found.take(inventory.key(left), codec.encode(left))
    assert found.usual(domain(), at_us) == cohort()


@pytest.mark.parametrize(
    'told',
    [
        [],
        [flavor(None)],
        [flavor(cohort(hosts=1))],
        [inventory.FlavorFacts(flavor='large', cohort=cohort())],
        [inventory.HostFacts(host='r1/one')],
    ],
)
def test_who_is_like_nobody_elsewhere_has_no_cohort(
    told: list[inventory.Facts],
) -> None:
    found = known(*told)
    assert found.usual(domain(), END_US + HOUR_US // 2) is None


def test_a_domain_without_a_flavor_is_like_nobody() -> None:
    found = known(inventory.FlavorFacts(flavor='None', cohort=cohort()))
    at_us = END_US + HOUR_US // 2
    assert found.usual(domain(None), at_us) is None


def test_a_record_that_is_broken_changes_nothing() -> None:
    found = known(flavor(cohort()))
    for value in (b'', b'{"schema":"kvm_insight.inventory_flavor/1"}', b'{'):
        with pytest.raises(exception.CodecError):
            found.take('flavor/small', value)
    found.take('flavor/small', None)
    found.take(None, b'nothing')
    assert found.usual(domain(), END_US + HOUR_US // 2) == cohort()


def test_it_is_taken_up_twice_an_hour_by_the_time_of_samples() -> None:
    assert cohorts.due(None, END_US)
    taken = [
        minute
        for minute in range(1, 120)
        if cohorts.due(
            END_US + (minute - 1) * MINUTE_US, END_US + minute * MINUTE_US
        )
    ]
    assert taken == [15, 45, 75, 105]
