# SPDX-License-Identifier: Apache-2.0
"""What each check must have, and that none of them ever raises."""

import re
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from kvm_insight.advise import check, registry, subject
from kvm_insight.identify.facts import domain as domain_xml
from kvm_insight.model import facts

from . import case, past, table

ALL: list[check.Check[Any]] = [
    *registry.HOST,
    *registry.DOMAIN,
    *registry.INSTANCE,
    *registry.FLEET,
]
ROWS: list[
    case.HostRow | case.DomainRow | past.InstanceRow | past.FleetRow
] = [*table.HOST, *table.DOMAIN, *table.INSTANCE, *table.FLEET]
UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
NOVA = (case.XML / 'nova.xml').read_text()
ID = re.compile(r'[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*')
NEEDED = (case.GOOD, case.BAD, case.CANNOT_TELL)


@pytest.mark.parametrize('one', ALL, ids=lambda one: str(one.id))
def test_it_says_what_to_do_and_where_to_read_on(
    one: check.Check[Any],
) -> None:
    assert ID.fullmatch(one.id)
    assert one.id.partition('.')[0] == one.subject
    assert one.severity in check.SEVERITIES
    for words in (one.title, one.reason, one.libvirt, one.nova, one.unless):
        assert len(words) > 15, words
    assert one.source.startswith('https://')
    assert not one.title.endswith('.')


@pytest.mark.parametrize('one', ALL, ids=lambda one: str(one.id))
def test_it_has_a_good_a_bad_and_an_unknown_case(
    one: check.Check[Any],
) -> None:
    shown = {row.outcome for row in ROWS if row.check == one.id}
    assert shown >= set(NEEDED)


def test_ids_are_there_once_and_about_what_they_are_listed_for() -> None:
    assert len({one.id for one in ALL}) == len(ALL)
    assert {one.about for one in registry.HOST} == {'host'}
    assert {one.about for one in registry.DOMAIN} == {'domain'}
    assert {one.about for one in registry.INSTANCE} == {'instance'}
    assert {one.about for one in registry.FLEET} == {'fleet'}


@pytest.mark.parametrize('tree', case.NAMES)
def test_every_tree_is_answered_for_by_every_check(tree: str) -> None:
    row = case.HostRow('', case.GOOD, tree, domains=(('nova', {}),))
    found = registry.of_host(case.host_case(row))
    assert [one.asked for one in found] == list(registry.HOST)


def test_a_host_without_facts_cannot_be_told_of() -> None:
    found = registry.of_host(check.HostCase(facts.HostFacts()))
    kinds = {type(one.outcome) for one in found}
    assert kinds <= {case.CANNOT_TELL, case.NOT_CONCERNED}


@hypothesis.given(st.sets(st.sampled_from(facts.HostFacts.__struct_fields__)))
def test_no_missing_fact_of_a_host_makes_a_check_raise(
    missing: set[str],
) -> None:
    row = case.HostRow('', case.GOOD, domains=(('nova', {}),))
    gone: dict[str, Any] = dict.fromkeys(missing - {'unknown'})
    whole = case.host_case(case.HostRow('', case.GOOD, known=gone))
    domains = case.host_case(row).domains
    registry.of_host(check.HostCase(whole.host, domains))
    registry.of_domains(whole.host, domains)


@hypothesis.given(st.data())
def test_no_damage_to_its_xml_makes_a_check_raise(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(NOVA)))
    end = data.draw(st.integers(start, min(len(NOVA), start + 200)))
    text = data.draw(st.text(max_size=8))
    one = domain_xml.parse(UUID, 'damaged', NOVA[:start] + text + NOVA[end:])
    host = case.host(case.HostRow('', case.GOOD))
    registry.of_domains(host, (one,))
    registry.of_host(check.HostCase(host, (one,)))


def test_elements_that_nobody_knows_change_nothing() -> None:
    text = NOVA.replace('<devices>', '<devices><novel a="b"><x/></novel>')
    assert domain_xml.parse(UUID, 'x', text) == domain_xml.parse(
        UUID, 'x', NOVA
    )


def test_each_check_is_of_a_matter_and_each_matter_has_one() -> None:
    for matters, checks in (
        (subject.HOST, [one.id for one in registry.HOST]),
        (subject.DOMAIN, [one.id for one in registry.DOMAIN]),
        (subject.INSTANCE, [one.id for one in registry.INSTANCE]),
        (subject.FLEET, [one.id for one in registry.FLEET]),
    ):
        named = {one for ids in matters.values() for one in ids}
        assert named == set(checks)
        assert all(matters.values())
    assert all(len(why) > 20 for why in subject.LEFT_OUT.values())
