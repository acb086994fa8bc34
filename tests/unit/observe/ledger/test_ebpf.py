# SPDX-License-Identifier: Apache-2.0
"""What the exact ledger decides without a kernel."""

import pathlib
import re

import pytest

from kvm_insight.observe.ledger import book, ebpf, libbpf

HEADER = pathlib.Path(ebpf.__file__).with_name('ledger_core.h').read_text()


@pytest.mark.parametrize(
    ('effective', 'missing'),
    [
        ('000000c000000000', None),
        ('0000008000000000', 'CAP_PERFMON'),
        ('0000004000000000', 'CAP_BPF'),
        ('0000000000000000', 'CAP_BPF'),
        ('0000000000200000', None),
        ('000001ffffffffff', None),
    ],
)
def test_both_capabilities_are_needed_or_the_old_one(
    effective: str, missing: str | None
) -> None:
    # As Linux 6.18 writes it.
    status = f'Name:\tpython\nCapPrm:\t0\nCapEff:\t{effective}\nCapBnd:\t0\n'
    assert ebpf.missing_right(status) == missing


def test_pids_of_a_container_are_not_the_hosts(
    tmp_path: pathlib.Path,
) -> None:
    nested = tmp_path / 'pid'
    nested.touch()
    assert not ebpf.sees_the_hosts_pids(nested)


def test_the_verifiers_last_word_is_the_reason() -> None:
    # As libbpf 1.1 printed it on Linux 6.18.
    said = [
        "libbpf: prog 'switched': BPF program load failed: Invalid argument",
        "libbpf: prog 'switched': -- BEGIN PROG LOAD LOG --",
        '0: R1=ctx(off=0,imm=0) R10=fp0',
        'back-edge from insn 3 to 1',
        'processed 4 insns (limit 1000000) max_states_per_insn 0',
        '-- END PROG LOAD LOG --',
        "libbpf: failed to load object 'ledger.bpf.o'",
    ]
    assert libbpf.verdict(said) == 'back-edge from insn 3 to 1'
    assert libbpf.verdict([]) == ''


def test_python_and_c_agree_on_the_fixed_entities() -> None:
    names = re.findall(r'^\tLEDGER_([A-Z]+),', HEADER, re.MULTILINE)
    numbers = {name: index for index, name in enumerate(names)}
    assert numbers == {
        'UNATTRIBUTED': book.UNATTRIBUTED,
        'HOST': book.HOST,
        'IDLE': book.IDLE,
        'DOMAINS': book.FIRST_DOMAIN,
    }
