# SPDX-License-Identifier: Apache-2.0
"""The object in the tree is what its source builds."""

import pathlib
import subprocess
import sys
import zipfile

from kvm_insight.observe.ledger import ebpf

ROOT = pathlib.Path(__file__).parents[3]
BUILD = ROOT / 'tools/build-ledger'


def test_clang_16_rebuilds_the_object_byte_for_byte(
    tmp_path: pathlib.Path,
) -> None:
    subprocess.run([BUILD, tmp_path / 'ledger.bpf.o'], check=True)
    built = (tmp_path / 'ledger.bpf.o').read_bytes()
    assert built == ebpf.OBJECT.read_bytes()


def test_another_folder_builds_the_same_object(
    tmp_path: pathlib.Path,
) -> None:
    for name in ('tools', 'kvm_insight/observe/ledger'):
        (tmp_path / 'else where' / name).mkdir(parents=True)
    for path in (BUILD, *ebpf.OBJECT.parent.glob('*.[ch]')):
        copy = tmp_path / 'else where' / path.relative_to(ROOT)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o755)
    subprocess.run([tmp_path / 'else where/tools/build-ledger'], check=True)
    copy = tmp_path / 'else where' / ebpf.OBJECT.relative_to(ROOT)
    assert copy.read_bytes() == ebpf.OBJECT.read_bytes()


def test_the_wheel_has_the_object_and_its_source(
    tmp_path: pathlib.Path,
) -> None:
    words = [
        sys.executable,
        '-m',
        'pip',
        'wheel',
        '-q',
        '--no-deps',
        '--no-build-isolation',
    ]
    words += ['-w', str(tmp_path), str(ROOT)]
    subprocess.run(words, check=True)
    (wheel,) = tmp_path.glob('*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ('ledger.bpf.o', 'ledger.bpf.c', 'ledger_core.h'):
        assert f'kvm_insight/observe/ledger/{name}' in names
