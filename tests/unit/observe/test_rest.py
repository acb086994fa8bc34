# SPDX-License-Identifier: Apache-2.0
"""When the guests of a host are at rest, and when not."""

import pytest

from kvm_insight.model import sample
from kvm_insight.observe import domain, rest

SECOND_US = 1_000_000


def system(stalled_us: int | None) -> sample.System:
    return sample.System(
        cpus='0-3', pressure=sample.Pressure(memory_some_us=stalled_us)
    )


def guest(work_us: int, epoch: str = '1.1') -> domain.Parts:
    kinds = [
        sample.Threads(kind='emulator', threads=3, run_us=work_us // 2),
        sample.Threads(kind='iothread', threads=1, run_us=work_us // 2),
    ]
    return domain.Parts(
        epoch=epoch,
        vcpus=[],
        threads=kinds,
        affinity=None,
        cpu=None,
        kvm=None,
        pressure=None,
        memory=sample.Memory(),
        monitored=None,
        run_delay_us=0,
    )


def test_the_first_sweep_cannot_know() -> None:
    found = rest.Rest()
    assert not found.look(0, system(0), [guest(0)])
    assert found.look(10 * SECOND_US, system(0), [guest(100_000)])


@pytest.mark.parametrize('work_us', [100_000, 220_000])
def test_a_qemu_that_works_for_its_guest_is_no_rest(work_us: int) -> None:
    found = rest.Rest()
    found.look(0, system(0), [guest(0, '1.1'), guest(0, '2.2')])
    now = [guest(0, '1.1'), guest(work_us, '2.2')]
    at_rest = work_us <= 0.02 * 10 * SECOND_US
    assert found.look(10 * SECOND_US, system(0), now) is at_rest


def test_who_stalls_for_memory_is_not_at_rest() -> None:
    found = rest.Rest()
    found.look(0, system(5_000_000), [guest(0)])
    assert found.look(10 * SECOND_US, system(5_050_000), [guest(0)])
    assert not found.look(20 * SECOND_US, system(5_250_000), [guest(0)])


def test_a_newcomer_is_asked_about() -> None:
    found = rest.Rest()
    found.look(0, system(0), [guest(0, '1.1')])
    now = [guest(0, '1.1'), guest(0, '3.3')]
    assert not found.look(10 * SECOND_US, system(0), now)
    assert found.look(20 * SECOND_US, system(0), now)


def test_what_is_not_counted_is_not_taken_for_rest() -> None:
    found = rest.Rest()
    for at in (0, 10, 20):
        assert not found.look(at * SECOND_US, system(None), [guest(0)])
