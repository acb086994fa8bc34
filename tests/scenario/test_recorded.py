# SPDX-License-Identifier: Apache-2.0
"""Recordings of real guests: the same story as ever is told of them.

A folder has a recording and the story that it must tell. Where a better rule
tells a better one, write it anew with ``python tests/scenario/test_recorded.py
FOLDER`` and read the difference.
"""

import json
import pathlib
import sys
from collections.abc import Iterator

import pytest
import zstandard

from kvm_insight.cmd import replay
from kvm_insight.detect import settings
from kvm_insight.model import finding

HERE = pathlib.Path(__file__).parent
FOLDERS = sorted(path.parent for path in HERE.glob('*/recording.zst'))


def findings(folder: pathlib.Path) -> Iterator[finding.Finding]:
    packed = (folder / 'recording.zst').read_bytes()
    lines = zstandard.ZstdDecompressor().stream_reader(packed).read()
    told = replay.Replay(settings.Settings())
    yield from told.findings(lines.splitlines())
    assert told.samples > 10
    assert told.damaged == 0


def story(folder: pathlib.Path) -> list[list[object]]:
    """Return the findings as they open and close, by people's names."""
    return [
        [
            found.state,
            found.updated_us // 1_000_000,
            found.victim.instance_name,
            found.verdict,
            found.cause,
            sorted(one.party.name or '' for one in found.aggressors),
        ]
        for found in findings(folder)
        if found.state != 'update'
    ]


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda path: path.name)
def test_the_story_is_the_same(folder: pathlib.Path) -> None:
    told = json.loads((folder / 'story.json').read_text())
    assert story(folder) == told['story']


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda path: path.name)
def test_the_aggressor_is_named_in_time_and_no_other_instance(
    folder: pathlib.Path,
) -> None:
    told = json.loads((folder / 'story.json').read_text())
    on_s, off_s = told['on_s'], told['off_s']
    named = [
        (found, one.party.name)
        for found in findings(folder)
        for one in found.aggressors
        if one.party.uuid is not None
    ]
    assert {name for _, name in named} == {told['aggressor']}
    first = min(found.updated_us for found, _ in named) / 1e6
    assert on_s < first <= on_s + 60
    ended = [found for found, _ in named if found.state == 'closed']
    assert {found.id for found in ended} == {found.id for found, _ in named}
    assert max(found.updated_us for found in ended) / 1e6 <= off_s + 120


if __name__ == '__main__':
    for word in sys.argv[1:]:
        place = pathlib.Path(word) / 'story.json'
        known = json.loads(place.read_text())
        known['story'] = story(place.parent)
        place.write_text(json.dumps(known, indent=1) + '\n')
