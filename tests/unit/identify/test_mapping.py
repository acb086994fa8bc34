# SPDX-License-Identifier: Apache-2.0
"""The operator's mapping file: who is found, and how mistakes are told."""

import pathlib

import pytest

from kvm_insight import exception
from kvm_insight.identify import mapping
from kvm_insight.model import sample

UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
OTHER = 'a87a72dd-a5e3-402c-aef4-3be00d906b62'


def test_a_uuid_goes_before_every_pattern() -> None:
    owners = mapping.parse(
        f'[*]\nproject = all\n[{UUID.upper()}]\nproject = one\n'
        'project_name = One = 1\ninstance_name = db\n'
    )
    assert owners.find(UUID, 'web-1') == sample.Identity(
        source='mapping',
        project_id='one',
        project_name='One = 1',
        instance_name='db',
    )


def test_the_first_pattern_that_fits_wins() -> None:
    owners = mapping.parse('[web-*]\nproject=a\n[w*]\nproject=b\n')
    found = [owners.find(OTHER, name) for name in ('web-1', 'work', 'Web-1')]
    assert [one and one.project_id for one in found] == ['a', 'b', None]


def test_comments_and_empty_lines_say_nothing() -> None:
    assert mapping.parse('# a\n\n; b\n').find(OTHER, 'x') is None


@pytest.mark.parametrize(
    ('content', 'line', 'word'),
    [
        ('project = a\n', 1, 'before any'),
        ('\n[web\nproject = a\n', 2, 'name pattern'),
        ('[]\nproject = a\n', 1, 'name pattern'),
        ('[web]\nprojekt = a\n', 2, 'projekt'),
        ('[web]\nproject\n', 2, 'none of'),
        ('[web]\nproject =\n', 2, '1 to 1024'),
        ('[web]\nproject = ' + 'x' * 1025 + '\n', 2, '1 to 1024'),
        ('[web]\nproject = a\nproject = b\n', 3, 'twice'),
        ('[a]\nproject=1\n[b]\n[c]\nproject=2\n', 3, 'no project'),
        ('[a]\nproject=1\n[a]\nproject=2\n', 3, 'twice'),
    ],
)
def test_a_mistake_is_told_with_its_line(
    content: str, line: int, word: str
) -> None:
    with pytest.raises(exception.ConfigError) as caught:
        mapping.parse(content, '/etc/owners')
    assert f'/etc/owners, line {line}: ' in str(caught.value)
    assert word in str(caught.value)


def test_a_file_that_cannot_be_read_names_option_and_remedy(
    tmp_path: pathlib.Path,
) -> None:
    missing = tmp_path / 'owners'
    with pytest.raises(exception.ConfigError, match='mapping_file'):
        mapping.read(missing)
    missing.write_bytes(b'\xff\xfe')
    with pytest.raises(exception.ConfigError, match='UTF-8'):
        mapping.read(missing)
