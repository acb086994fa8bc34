# SPDX-License-Identifier: Apache-2.0
"""The published JSON Schemas are those of the types."""

import json
import pathlib

import pytest

from kvm_insight.model import schema

FOLDER = pathlib.Path('doc/source/reference/schema')


@pytest.mark.parametrize('name', schema.RECORDS)
def test_the_published_schema_is_current(name: str) -> None:
    published = (FOLDER / f'{name}.json').read_text()
    assert published == schema.text(name), (
        f'python -m kvm_insight.model.schema {name} > {FOLDER}/{name}.json'
    )


def test_no_other_schema_is_published() -> None:
    assert {one.stem for one in FOLDER.glob('*.json')} == set(schema.RECORDS)


@pytest.mark.parametrize('name', schema.RECORDS)
def test_each_record_says_its_schema_first(name: str) -> None:
    kind = schema.RECORDS[name]
    tag = str(kind.__struct_config__.tag)
    assert json.loads(schema.text(name))['title'] == tag
    assert kind.__struct_config__.tag_field == 'schema'
    assert tag.startswith('kvm_insight.')


def test_it_prints_what_is_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    schema.main(['finding'])
    assert capsys.readouterr().out == schema.text('finding')
    schema.main([])
    assert capsys.readouterr().out.split() == list(schema.RECORDS)
