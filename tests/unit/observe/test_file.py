# SPDX-License-Identifier: Apache-2.0
"""Small files that are there, gone, silent or broken."""

import mmap
import os
import pathlib

import pytest

from kvm_insight import exception
from kvm_insight.observe import descriptor, file


def test_gone_is_none(tmp_path: pathlib.Path) -> None:
    assert file.read(tmp_path / 'x') is None
    assert file.read_number(tmp_path / 'x') is None
    assert file.names(tmp_path / 'x') == []
    (tmp_path / 'f').write_text('5\n')
    assert file.read(tmp_path / 'f' / 'below') is None
    assert file.read_number(tmp_path / 'f') == 5


def test_what_is_no_number_is_an_error_that_names_the_file(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'f').write_text('Unavailable\n')
    with pytest.raises(exception.CollectorError, match=r'f: .Unavailable'):
        file.read_number(tmp_path / 'f')


def test_a_folder_read_as_a_file_is_an_error(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exception.CollectorError):
        file.read(tmp_path)


@pytest.mark.parametrize('number', [95, 13, 1])
def test_a_kernel_that_refuses_has_no_data(number: int) -> None:
    why = OSError(number, os.strerror(number))
    told = file.explain('/proc/4711/numa_maps', why)
    assert isinstance(told, exception.NoData)
    # One reason for all processes, not one for each.
    assert str(told).startswith('numa_maps: ')


def test_a_file_of_many_records_is_read_to_its_end() -> None:
    whole = file.read('/proc/self/smaps')
    assert whole is not None
    assert len(whole) > 8192
    assert whole.splitlines()[-1].startswith('VmFlags:')


def test_a_file_of_megabytes_in_pages_is_read_to_its_end() -> None:
    # Neighbours of other rights are not merged: each has a record.
    kept = [mmap.mmap(-1, 4096, prot=1 + one % 2 * 2) for one in range(3000)]
    whole = file.read('/proc/self/smaps')
    for one in kept:
        one.close()
    assert whole is not None
    assert len(whole) > 1 << 20
    assert whole.splitlines()[-1].startswith('VmFlags:')


def test_a_pipe_in_place_of_a_file_holds_nobody(
    tmp_path: pathlib.Path,
) -> None:
    os.mkfifo(tmp_path / 'p')
    assert file.read(tmp_path / 'p') == ''


def test_what_never_ends_is_an_error() -> None:
    with pytest.raises(exception.CollectorError, match='longer than'):
        file.read('/dev/zero')


def test_a_kept_file_is_read_anew_each_time(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'f'
    path.write_text('1')
    kept = descriptor.Kept(str(path), descriptor.Budget(1))
    assert kept.read() == b'1'
    path.write_text('22')
    assert kept.read() == b'22'
    kept.close()
    path.unlink()
    assert kept.read() is None


def test_beyond_the_budget_files_are_opened_each_time(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'f').write_text('1')
    budget = descriptor.Budget(0)
    kept = descriptor.Kept(str(tmp_path / 'f'), budget)
    before = len(file.names('/proc/self/fd'))
    assert kept.read() == b'1'
    assert len(file.names('/proc/self/fd')) == before
    assert budget.used == 0
