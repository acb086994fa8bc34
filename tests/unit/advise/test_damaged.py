# SPDX-License-Identifier: Apache-2.0
"""No XML, however damaged, makes reading it or a check raise or lie."""

import copy
import pathlib
from typing import Any
from xml.etree import ElementTree

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from kvm_insight.advise import check, registry
from kvm_insight.identify.facts import domain as domain_xml
from kvm_insight.model import facts

from . import case

UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
FILES = sorted(case.XML.glob('*.xml'))
TEXTS = {path.stem: path.read_text() for path in FILES}
TREES = {name: ElementTree.fromstring(text) for name, text in TEXTS.items()}
HOSTS = [case.host(case.HostRow('', case.GOOD, tree)) for tree in case.NAMES]
USE = facts.Use(
    span_s=10**6,
    samples=1000,
    cpu_p99_cores=0.1,
    quota_wait_ratio=0.5,
    disk_limited_ratio={'vda': 0.5},
    swap_in_bytes_s=1e6,
)
#: Words that stand where others are meant.
GARBAGE = st.one_of(
    st.sampled_from(
        ('', ' ', '-1', '0', '0-', '3-1', '1e9', '9' * 40, 'yes', 'no', '^1')
    ),
    st.text(
        st.characters(codec='utf-8', exclude_categories=['C']), max_size=9
    ),
)


def ask(one: facts.DomainFacts, host: facts.HostFacts) -> None:
    """Ask all checks, of it and of another one beside it."""
    other = domain_xml.parse(UUID[::-1], 'other', TEXTS['amd'])
    peers = tuple(HOSTS[:2])
    for whole in (
        check.DomainCase(one, host, (one, other), peers, USE),
        check.DomainCase(other, host, (one, other)),
    ):
        for found in registry.of_domain(whole):
            judge(found.outcome)


def judge(outcome: check.Outcome) -> None:
    """Assert that an answer says what it must."""
    if isinstance(outcome, check.Good | check.Bad):
        assert outcome.evidence
        assert all(where and value for where, value in outcome.evidence)
    if not isinstance(outcome, check.Good):
        assert getattr(outcome, 'what', '') or getattr(outcome, 'why', '')


def damage(root: ElementTree.Element, data: st.DataObject) -> None:
    """Change one element in one way."""
    parents = {child: parent for parent in root.iter() for child in parent}
    found = list(parents)
    if not found:
        return
    one = found[data.draw(st.integers(0, len(found) - 1))]
    way = data.draw(
        st.sampled_from(('drop', 'twice', 'rename', 'set', 'text'))
    )
    if way == 'drop':
        parents[one].remove(one)
    elif way == 'twice':
        parents[one].append(copy.deepcopy(one))
    elif way == 'rename':
        one.tag = data.draw(st.sampled_from(('novel', 'disk', 'cpu', 'vcpu')))
    elif way == 'text':
        one.text = data.draw(GARBAGE)
    elif one.attrib:
        name = data.draw(st.sampled_from(sorted(one.attrib)))
        if data.draw(st.booleans()):
            del one.attrib[name]
        else:
            one.attrib[name] = data.draw(GARBAGE)


def places(root: ElementTree.Element) -> list[tuple[int, str | None]]:
    """Return elements by their number with each of their attributes; None
    is the element itself. What stands there twice is not taken again."""
    found: dict[tuple[str, str, str | None], tuple[int, str | None]] = {}
    tags: dict[ElementTree.Element, str] = {}
    for number, one in enumerate(root.iter()):
        for child in one:
            tags[child] = one.tag
        for name in (None, *one.attrib):
            place = (tags.get(one, ''), one.tag, name)
            found.setdefault(place, (number, name))
    return list(found.values())


def changed(name: str, number: int, attribute: str | None, word: str) -> str:
    """Return the XML with one thing in it exchanged, or left out (``-``)."""
    root = copy.deepcopy(TREES[name])
    parents = {child: parent for parent in root.iter() for child in parent}
    one = list(root.iter())[number]
    if attribute is not None:
        if word == '-':
            del one.attrib[attribute]
        else:
            one.attrib[attribute] = word
    elif word != '-':
        one.text = word
    elif one in parents:
        parents[one].remove(one)
    return ElementTree.tostring(root, encoding='unicode')


@pytest.mark.parametrize('word', ['-', '', 'junk', '0', '9' * 20])
@pytest.mark.parametrize('name', sorted(TEXTS))
def test_no_single_damage_makes_anything_raise(name: str, word: str) -> None:
    for number, attribute in places(TREES[name]):
        text = changed(name, number, attribute, word)
        ask(domain_xml.parse(UUID, 'x', text), HOSTS[0])


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=200, deadline=None)
def test_no_change_to_elements_makes_anything_raise(
    data: st.DataObject,
) -> None:
    root = copy.deepcopy(TREES[data.draw(st.sampled_from(sorted(TREES)))])
    for _ in range(data.draw(st.integers(1, 6))):
        damage(root, data)
    text = ElementTree.tostring(root, encoding='unicode')
    one = domain_xml.parse(UUID, 'damaged', text)
    assert msgspec.json.decode(
        msgspec.json.encode(one), type=facts.DomainFacts
    )
    ask(one, data.draw(st.sampled_from(HOSTS)))


@hypothesis.given(st.data())
@hypothesis.settings(max_examples=100, deadline=None)
def test_no_cut_into_the_text_makes_anything_raise(
    data: st.DataObject,
) -> None:
    whole = TEXTS[data.draw(st.sampled_from(sorted(TEXTS)))]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    inner = data.draw(st.text(max_size=12))
    ask(
        domain_xml.parse(UUID, 'cut', whole[:start] + inner + whole[end:]),
        HOSTS[0],
    )


@pytest.mark.parametrize('name', sorted(TEXTS))
def test_broken_xml_is_never_called_good_or_bad(name: str) -> None:
    one = domain_xml.parse(UUID, 'x', TEXTS[name].replace('</domain>', ''))
    for found in registry.of_domain(check.DomainCase(one, HOSTS[0], (one,))):
        assert isinstance(found.outcome, check.CannotTell), found.asked.id
        assert 'XML is broken' in found.outcome.why


@pytest.mark.parametrize('text', ['<domain/>', '<a><b/></a>', '<domain>x'])
def test_an_empty_domain_is_not_called_bad(text: str) -> None:
    one = domain_xml.parse(UUID, 'x', text)
    for found in registry.of_domain(check.DomainCase(one, HOSTS[0], (one,))):
        assert not isinstance(found.outcome, check.Bad), found.asked.id


@hypothesis.given(
    st.sets(st.sampled_from(facts.HostFacts.__struct_fields__)),
    st.sampled_from(sorted(TEXTS)),
)
@hypothesis.settings(deadline=None)
def test_no_missing_fact_of_the_host_makes_a_check_raise(
    missing: set[str], name: str
) -> None:
    gone: dict[str, Any] = dict.fromkeys(missing - {'unknown'})
    host = msgspec.structs.replace(HOSTS[-1], **gone)
    ask(domain_xml.parse(UUID, 'x', TEXTS[name]), host)


@pytest.mark.parametrize('path', FILES, ids=lambda path: str(path.stem))
def test_each_domain_says_where_it_comes_from(path: pathlib.Path) -> None:
    head = path.read_text().removeprefix('<!-- ')
    assert head.startswith(('Constructed after ', 'Recorded: '))
