# SPDX-License-Identifier: Apache-2.0
"""Which CPUs are threads of one core."""

import pathlib

import pytest

from kvm_insight.model import facts
from kvm_insight.observe.facts import assembly
from tests.unit.observe import planting

CPUS = 'sys/devices/system/cpu'


def read(
    root: pathlib.Path, active: str | None, **siblings: str
) -> facts.HostFacts:
    planting.unpack('configured/intel', root)
    path = root / CPUS / 'smt/active'
    if active is None:
        path.unlink()
    else:
        path.write_text(f'{active}\n')
    for name, text in siblings.items():
        folder = root / CPUS / name / 'topology'
        folder.mkdir(parents=True)
        (folder / 'thread_siblings_list').write_text(f'{text}\n')
    return assembly.read(root, facts.HostFacts())


def test_without_smt_there_are_none(tmp_path: pathlib.Path) -> None:
    found = read(tmp_path, '0', cpu0='0', cpu1='1')
    assert found.cores == []


def test_threads_of_a_core_are_named_once_and_in_order(
    tmp_path: pathlib.Path,
) -> None:
    found = read(
        tmp_path, '1', cpu0='0,4', cpu1='1,5', cpu4='0,4', cpu5='1,5', cpu2='2'
    )
    assert found.cores == ['0,4', '1,5']


@pytest.mark.parametrize(
    ('active', 'text', 'why'),
    [
        (None, '0', 'no such file: /sys/devices/system/cpu/smt/active'),
        ('2', '0', 'not understood'),
        ('1', 'all', 'not understood'),
        ('1', '', 'no such file: /sys/devices/system/cpu/cpu*/topology'),
    ],
)
def test_what_cannot_be_read_has_a_reason(
    active: str | None, text: str, why: str, tmp_path: pathlib.Path
) -> None:
    found = read(tmp_path, active, cpu0=text)
    assert found.cores is None
    assert found.unknown['cores'].startswith(why)
