# SPDX-License-Identifier: Apache-2.0
"""Each command in each formatter, by the real ``openstack``."""

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest
import yaml
from cliff import lister, show

from tests import filling
from tests.functional.osc import conftest

ONE = filling.uuid(1)
HOUR = '--since 2026-11-28T05:00:00Z --until 2026-11-28T06:00:00Z'

#: What each is called with, once and for all formatters.
WORDS = {
    'insight acknowledgement create': 'f-2 --reason seen --for 8h',
    'insight acknowledgement delete': 'finding/f-1',
    'insight acknowledgement list': '--long',
    'insight advice list': '--long',
    'insight blackout create': '--host r/h1 --name move --for 2h',
    'insight blackout delete': 'cloud/nightly',
    'insight blackout list': '--long',
    'insight finding list': '--long --sort severity_cores:desc',
    'insight finding show': 'f-1 --record',
    'insight health show': '',
    'insight host ledger': f'r/h1 {HOUR}',
    'insight host list': '--long --aggregate fast',
    'insight host show': 'r/h1',
    'insight instance ledger': f'{ONE} {HOUR} --long',
    'insight instance list': '--long --host r/h1 --present',
    'insight instance show': 'vm-1',
    'insight mute create': '--instance ' + ONE,
    'insight mute delete': 'host/r/h2',
    'insight mute list': '--long --subject r/h2',
    'insight optout create': '--project alpha --until 2100-01-01',
    'insight optout delete': 'project/beta',
    'insight optout list': '--long',
    'insight overcommit list': '--long',
    'insight recommendation approve': 'r-1 --reason good',
    'insight recommendation list': '--long --sort gain_core_s:asc',
    'insight recommendation reject': 'r-1 --fingerprint print-of-r-1',
    'insight recommendation show': 'r-1 --record',
    'insight report show': f'--project alpha {HOUR}',
}

COMMANDS = {
    one.name.replace('_', ' '): one
    for one in metadata.entry_points(group='openstack.insight.v1')
}
FORMATS = {
    kind: sorted(
        one.name
        for one in metadata.entry_points(group=f'cliff.formatter.{kind}')
    )
    for kind in ('list', 'show')
}


def kind_of(name: str) -> str | None:
    """Return which formatters a command has."""
    made = COMMANDS[name].load()
    if issubclass(made, lister.Lister):
        return 'list'
    return 'show' if issubclass(made, show.ShowOne) else None


def ways() -> Iterator[tuple[str, str | None]]:
    """All commands, with all formatters that each has."""
    for name in sorted(COMMANDS):
        kind = kind_of(name)
        yield from ((name, form) for form in FORMATS.get(kind or '', [None]))


@dataclasses.dataclass
class Transcript:
    """What was written, by command and formatter."""

    out: dict[tuple[str, str | None], str]
    errors: str


@pytest.fixture(scope='module')
def transcript(cloud: conftest.Cloud) -> Transcript:
    """All of them, by one ``openstack`` that is asked one by one."""
    pairs = list(ways())
    lines = [
        f'{name} {WORDS[name]}' + (f' -f {form}' if form else '')
        for name, form in pairs
    ]
    out, errors = conftest.interactive(cloud.environment(), lines)
    return Transcript(dict(zip(pairs, out, strict=True)), errors)


def test_no_command_is_forgotten() -> None:
    assert set(WORDS) == set(COMMANDS)


def test_there_are_all_formatters() -> None:
    assert set(FORMATS['list']) == {'csv', 'json', 'table', 'value', 'yaml'}
    assert set(FORMATS['show']) == {'json', 'shell', 'table', 'value', 'yaml'}


def test_no_command_complains(transcript: Transcript) -> None:
    assert transcript.errors == ''


def read(text: str, form: str) -> Any:
    """Return what a program reads from it."""
    if form == 'json':
        return json.loads(text)
    if form == 'yaml':
        return yaml.safe_load(text)
    if form == 'csv':
        return list(csv.DictReader(io.StringIO(text), escapechar='\\'))
    if form == 'shell':
        found = re.findall(r'^(\w+)="(.*?)(?<!\\)"$', text, re.M | re.S)
        return dict(found)
    return text.splitlines()


#: What is another time when it is asked again.
MOVING = {'made_at', 'ends_at', 'now_at', 'silent'}


def still(found: Any) -> Any:
    """Return it without what time alone changes."""
    if isinstance(found, dict):
        return {
            key: still(value)
            for key, value in found.items()
            if key not in MOVING and key != 'duration_s'
        }
    return [still(one) for one in found] if isinstance(found, list) else found


@pytest.mark.parametrize(
    ('name', 'form'), [(name, form) for name, form in ways() if form]
)
def test_each_formatter_says_the_same(
    transcript: Transcript, name: str, form: str
) -> None:
    known = json.loads(transcript.out[name, 'json'])
    assert known, name
    text = transcript.out[name, form]
    found = read(text, form)
    if form in ('json', 'yaml'):
        assert still(found) == still(known)
    elif form == 'table':
        assert text.startswith('+-'), text
        assert len(found) >= len(known) + 4, text
    elif form == 'csv':
        assert [set(row) for row in found] == [set(row) for row in known]
        assert found[0] == {key: str(one) for key, one in known[0].items()}
    elif form == 'shell':
        assert set(found) == set(known)
    else:
        assert len(found) >= len(known)


@pytest.mark.parametrize(
    ('name', 'header', 'raw', 'told'),
    [
        ('host list', 'Suffering', 0.25, '25.0 %'),
        ('host list', 'Memory', 2**34, '16 GiB'),
        ('host list', 'Reported At', '2026-11-28T05:59:50Z', None),
        ('host ledger', 'Waited', 3 * 10**8, '300.0 core-s'),
        ('finding list', 'Lost', 7_000_000, '7.0 core-s'),
        ('blackout list', 'Every', 86400, '1 d'),
        ('overcommit list', 'Advised Ratio', 4.0, '4.00'),
    ],
)
def test_programs_get_numbers_and_people_get_words(
    transcript: Transcript, name: str, header: str, raw: object, told: str
) -> None:
    (first, *_) = json.loads(transcript.out[f'insight {name}', 'json'])
    assert first[header] == raw
    assert type(first[header]) is type(raw)
    assert f' {told or raw} ' in transcript.out[f'insight {name}', 'table']


def test_a_show_tells_what_there_is(transcript: Transcript) -> None:
    found = json.loads(transcript.out['insight finding show', 'json'])
    assert found['victim']['uuid'] == ONE
    assert found['opened_at'] == '2026-11-28T05:00:00Z'
    assert found['record']['id'] == 'f-1'
    found = json.loads(transcript.out['insight report show', 'json'])
    assert found['waited_core_s'] == pytest.approx(400.0)
    assert found['causes']['other_projects'] == pytest.approx(300.0)
    words = transcript.out['insight report show', 'table']
    assert 'vm-1: waited 400.0 core-s (28.6 %)' in words


def test_what_is_said_arrives_on_the_bus(
    transcript: Transcript, cloud: conftest.Cloud
) -> None:
    said = cloud.said()
    decided = said['decision/recommendation/r-1']
    assert decided is not None
    # The last of them.
    assert (decided.kind, decided.by) == ('rejection', 'local')
    approved = transcript.out['insight recommendation approve', 'json']
    assert json.loads(approved)['reason'] == 'good'
    seen = said['acknowledgement/finding/f-2']
    assert seen is not None
    assert seen.reason == 'seen'
    assert seen.ends_us is not None
    held_us = seen.ends_us - seen.made_us
    assert held_us == pytest.approx(8 * 3600e6, abs=60e6)
    assert said[f'mute/instance/{ONE}'] is not None
    out = said['opt_out/project/alpha']
    assert out is not None
    assert out.ends_us == 4_102_444_800_000_000
    assert said['blackout/host/r/h1/move'] is not None


def test_what_is_taken_back_is_deleted_on_the_bus(
    transcript: Transcript, cloud: conftest.Cloud
) -> None:
    deleted = {key for key, one in cloud.said().items() if one is None}
    assert deleted == {
        'mute/host/r/h2',
        'acknowledgement/finding/f-1',
        'opt_out/project/beta',
        'blackout/cloud/nightly',
    }
    assert transcript.out['insight mute delete', None] == ''
