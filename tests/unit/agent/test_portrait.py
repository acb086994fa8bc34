# SPDX-License-Identifier: Apache-2.0
"""A host tells how it is configured as soon as that was read."""

import pathlib
import time

from kvm_insight import portrait
from kvm_insight.model import host_config, sample
from kvm_insight.observe import machine, observatory
from tests.unit.observe import planting

CAPABILITIES = planting.TREES / 'configured/intel/capabilities.xml'
SURROUNDINGS = machine.Surroundings(
    machine.Machine(CAPABILITIES.read_text(), 10_000_000, 11_003_000),
    mounts=[],
    devices=[],
    firmware=[],
)


def look(
    one: portrait.Portrait, time_us: int, *, survey: bool
) -> host_config.HostConfig | None:
    system = sample.System(cpus='0-7', memory_bytes=1 << 34)
    now = sample.Sample(
        host='h',
        boot_id='b',
        agent_id='a',
        sequence=time_us,
        time_us=time_us,
        uptime_us=time_us,
        agent=sample.Agent(version='1'),
        system=system,
    )
    sight = observatory.Sight(
        time_us=time_us,
        uptime_us=time_us,
        hypervisor_hostname='h',
        system=system,
        domains=[],
        xml={},
        snapshots={},
        machine=SURROUNDINGS if survey else None,
        ledger=None,
        collectors=[],
        missing={},
        at_rest=False,
    )
    return one.of(now, sight)


def test_facts_are_told_at_the_sweep_after_they_were_read(
    tmp_path: pathlib.Path,
) -> None:
    planting.unpack('configured/intel', tmp_path)
    one = portrait.Portrait(tmp_path)
    assert look(one, 0, survey=False) is None
    first = look(one, 1, survey=True)
    assert first is not None
    told, at_us, end = None, 2, time.monotonic() + 30
    while told is None:
        told = look(one, at_us, survey=False)
        at_us += 1
        assert time.monotonic() < end
        time.sleep(0.05)
    assert told.facts is not None
    assert told.facts.cpu_vendor == 'GenuineIntel'
    assert told.facts.qemu_version == 10_000_000
    assert told.facts.libvirt_version == 11_003_000
    for survey in (False, True):
        assert look(one, at_us, survey=survey) is None
