# SPDX-License-Identifier: Apache-2.0
"""The operator's file that says whose domains are whose, without Nova.

::

    # A section is a domain's UUID or a pattern for its name.
    [5e3d076b-2f7d-4c7d-9357-4413af8a19f7]
    project = 4711
    project_name = Payroll
    instance_name = ledger-db

    [web-*]
    project = shop

A UUID goes before all patterns; among patterns the first that fits wins.
"""

import dataclasses
import fnmatch
import pathlib
import re
from collections.abc import Mapping

from kvm_insight import exception
from kvm_insight.model import sample

KEYS = ('project', 'project_name', 'instance_name')
_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_LONGEST = 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Owners:
    """Who owns which domain, in the file's order."""

    by_uuid: Mapping[str, sample.Identity] = dataclasses.field(
        default_factory=dict
    )
    by_pattern: tuple[tuple[str, sample.Identity], ...] = ()

    def find(self, uuid: str, name: str) -> sample.Identity | None:
        """Return the owner of this domain; None where the file is silent."""
        found = self.by_uuid.get(uuid)
        if found is not None:
            return found
        for pattern, identity in self.by_pattern:
            if fnmatch.fnmatchcase(name, pattern):
                return identity
        return None


@dataclasses.dataclass(slots=True)
class _Section:
    subject: str
    line: int
    values: dict[str, str] = dataclasses.field(default_factory=dict)


def read(path: pathlib.Path) -> Owners:
    """Return the file's content; ConfigError names line and remedy."""
    try:
        return parse(path.read_text(encoding='utf-8'), str(path))
    except (OSError, UnicodeDecodeError) as why:
        raise exception.ConfigError(
            f'[agent] mapping_file = {path}: {why}; make it a readable UTF-8'
            ' file or unset the option'
        ) from why


def parse(content: str, source: str = 'mapping file') -> Owners:
    """Return who owns what; ConfigError names line and remedy."""
    sections: list[_Section] = []
    for number, raw in enumerate(content.splitlines(), start=1):
        line = raw.strip()
        if not line or line[0] in '#;':
            continue
        if line[0] == '[':
            sections.append(_Section(_subject(line, source, number), number))
        elif not sections:
            _refuse(source, number, f'{line[:60]!r} stands before any [..]')
        else:
            key, value = _entry(line, source, number)
            if key in sections[-1].values:
                _refuse(source, number, f'{key!r} stands twice')
            sections[-1].values[key] = value
    return _owners(sections, source)


def _subject(line: str, source: str, number: int) -> str:
    subject = line[1:-1].strip() if line.endswith(']') else ''
    if not subject:
        _refuse(source, number, 'write [UUID] or [name pattern]')
    return subject.lower() if _UUID.fullmatch(subject.lower()) else subject


def _entry(line: str, source: str, number: int) -> tuple[str, str]:
    key, equals, value = (part.strip() for part in line.partition('='))
    if key not in KEYS or not equals:
        _refuse(
            source,
            number,
            f'{line[:60]!r} is none of {", ".join(KEYS)} with = and a value',
        )
    if not 0 < len(value) <= _LONGEST:
        _refuse(source, number, f'{key} needs 1 to {_LONGEST} characters')
    return key, value


def _owners(sections: list[_Section], source: str) -> Owners:
    by_uuid: dict[str, sample.Identity] = {}
    by_pattern: dict[str, sample.Identity] = {}
    for section in sections:
        into = by_uuid if _UUID.fullmatch(section.subject) else by_pattern
        if section.subject in into:
            _refuse(source, section.line, f'[{section.subject}] stands twice')
        if 'project' not in section.values:
            _refuse(
                source, section.line, f'[{section.subject}] has no project ='
            )
        into[section.subject] = sample.Identity(
            source='mapping',
            instance_name=section.values.get('instance_name'),
            project_id=section.values['project'],
            project_name=section.values.get('project_name'),
        )
    return Owners(by_uuid, tuple(by_pattern.items()))


def _refuse(source: str, number: int, why: str) -> None:
    raise exception.ConfigError(f'{source}, line {number}: {why}')
