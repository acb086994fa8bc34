# SPDX-License-Identifier: Apache-2.0
"""What a planner takes of the topics, and what it leaves alone."""

import pathlib

import pytest

from kvm_insight import exception
from kvm_insight.model import codec, configuration, finding
from kvm_insight.recommend import world

INCIDENT = pathlib.Path('tests/unit/model/golden/finding-1.json')


def test_what_is_set_up_badly_moves_nobody() -> None:
    one = world.World(24)
    bad = configuration.Finding(
        id='c',
        state='open',
        host='r/h',
        check='disk.emulated',
        severity='high',
        what='vda is emulated hardware',
        evidence=[],
        opened_us=1,
        updated_us=1,
    )
    one.take_finding('c', codec.encode(bad))
    assert one.findings == {}
    incident = codec.decode(INCIDENT.read_bytes().strip(), finding.Finding)
    one.take_finding(incident.id, codec.encode(incident))
    one.take_finding('c', None)
    assert one.findings == {incident.id: incident}


@pytest.mark.parametrize('value', [b'', b'{"schema":"else/1"}', b'[]'])
def test_what_is_no_finding_is_refused(value: bytes) -> None:
    with pytest.raises(exception.CodecError):
        world.World(24).take_finding('x', value)
