# SPDX-License-Identifier: Apache-2.0
"""``doctor`` on this real host with real guests: quick, and only looking."""

import json
import pathlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import libvirt
import pytest
from lab import daemon

from kvm_insight.cmd import doctor
from kvm_insight.observe.facts import survey

WORDS = (
    'import sys; from kvm_insight.cmd import insight;'
    ' sys.exit(insight.main(sys.argv[1:]))'
)
#: A guest that stands still costs no CPU time; QEMU is as real.
STILL = """\
<domain type='qemu'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='MiB'>16</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <interface type='user'><model type='e1000'/></interface>
    <memballoon model='virtio'/>
  </devices>
</domain>
"""


def run(lab: daemon.Lab, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', WORDS, 'doctor', '--uri', lab.uri, *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def still(lab: daemon.Lab, request: pytest.FixtureRequest) -> Iterator[Any]:
    """So many real QEMU processes that stand still."""
    link = libvirt.open(lab.uri)
    made: list[Any] = []
    try:
        for number in range(request.param):
            xml = STILL.format(name=f'still-{number}', uuid=uuid.uuid4())
            paused = libvirt.VIR_DOMAIN_START_PAUSED
            made.append(link.createXML(xml, paused))
        yield made
    finally:
        for one in made:
            one.destroy()
        link.close()


@pytest.mark.parametrize('still', [2], indirect=True)
def test_real_guests_are_judged_and_left_as_they_are(
    lab: daemon.Lab, still: list[Any]
) -> None:
    before = [one.XMLDesc() for one in still]
    done = run(lab, '--json', '--all')
    assert done.stderr == ''
    # Whatever this machine is, something of it can be told.
    assert done.returncode in (0, 1)
    told = json.loads(done.stdout)
    assert told['unread'] is None
    names = {x['name'] for x in told['answers'] if x['about'] == 'domain'}
    assert {'still-0', 'still-1'} <= names
    assert told['counts']['good'] > 0
    assert [one.XMLDesc() for one in still] == before


@pytest.mark.parametrize('still', [1], indirect=True)
def test_the_memory_of_a_real_guest_is_found_on_a_node(
    lab: daemon.Lab, still: list[Any]
) -> None:
    asked = survey.ask(lab.uri, 10.0)
    seen = doctor.visit(pathlib.Path('/'), 'here', asked)
    found = {one.uuid: one for one in seen.domains}
    one = found[still[0].UUIDString()]
    if one.node_bytes is None:
        assert one.unknown['node_bytes']
    else:
        assert sum(one.node_bytes.values()) > 1 << 20
    assert one.kind == 'qemu'
    assert (one.vcpus, one.memory_bytes) == (1, 16 << 20)
    assert [nic.model for nic in one.nics] == ['e1000']
    assert one.balloon == 'virtio'


@pytest.mark.full
@pytest.mark.parametrize('still', [60], indirect=True)
def test_sixty_guests_take_less_than_two_seconds(
    lab: daemon.Lab, still: list[Any]
) -> None:
    took = []
    for _ in range(3):
        begin = time.monotonic()
        done = run(lab, '--json')
        took.append(time.monotonic() - begin)
        assert json.loads(done.stdout)['domains'] >= len(still)
    # The quickest says what it costs; the others, what else runs here.
    assert min(took) < 2.0, took
