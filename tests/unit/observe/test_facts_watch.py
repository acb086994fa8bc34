# SPDX-License-Identifier: Apache-2.0
"""Facts are read beside all else, and nobody waits for them."""

import pathlib
import threading
import time

import msgspec
import pytest

from kvm_insight.model import facts
from kvm_insight.observe.facts import assembly, watch
from tests.unit.observe import planting

TOLD = facts.HostFacts(qemu_uid=107)


def test_what_was_read_is_there_at_a_later_look(
    tmp_path: pathlib.Path,
) -> None:
    planting.unpack('configured/intel', tmp_path)
    one = watch.Watch(tmp_path)
    assert one.look(TOLD) is None
    one.settle(30)
    found = one.look(TOLD)
    assert found is not None
    assert found.cpu_vendor == 'GenuineIntel'


def test_files_are_read_anew_when_it_is_time_or_libvirt_is_another(
    tmp_path: pathlib.Path,
) -> None:
    planting.unpack('configured/intel', tmp_path)
    swappiness = tmp_path / 'proc/sys/vm/swappiness'

    def known(one: watch.Watch, told: facts.HostFacts) -> int | None:
        one.look(told)
        one.settle(30)
        found = one.look(told)
        one.settle(30)
        assert found is not None
        return found.swappiness

    for every_s, expected in ((300.0, 10), (0.0, 90)):
        swappiness.write_text('10\n')
        one = watch.Watch(tmp_path, every_s)
        assert known(one, TOLD) == 10
        swappiness.write_text('90\n')
        assert known(one, TOLD) == expected
        other = msgspec.structs.replace(TOLD, libvirt_version=11_003_000)
        assert known(one, other) == 90


def test_a_file_that_hangs_keeps_nobody_waiting(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planting.unpack('configured/intel', tmp_path)
    answers = threading.Event()
    read = assembly.read

    def slow(root: pathlib.Path, told: facts.HostFacts) -> facts.HostFacts:
        # As a file of a server that does not answer; pipes are not opened.
        answers.wait(60)
        return read(root, told)

    monkeypatch.setattr(assembly, 'read', slow)
    one = watch.Watch(tmp_path, 0.0)
    begun_s = time.monotonic()
    for _ in range(5):
        assert one.look(TOLD) is None
    assert time.monotonic() - begun_s < 1.0
    answers.set()
    one.settle(30)
    assert one.look(TOLD) is not None
    one.settle(30)
