# SPDX-License-Identifier: Apache-2.0
"""Traces: each form is known, and what can drive nothing is told by name."""

import gzip
import pathlib

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.cmd import traces

from . import damage

SAMPLES = pathlib.Path(__file__).parents[2] / 'traces'
BITBRAINS = ['vm,ts,cpu_pct'] + [f'7,{at},{at}' for at in range(20)]
NAB = ['timestamp,value'] + [f'2014,{at / 10}' for at in range(20)]
PLANETLAB = [','.join(['name', *map(str, range(20))])]
FORMS = [BITBRAINS, NAB, PLANETLAB]


def write(path: pathlib.Path, lines: list[str]) -> pathlib.Path:
    path.write_text('\n'.join([*lines, '']))
    return path


@pytest.mark.parametrize('lines', FORMS)
def test_each_form_of_trace_is_known(lines: list[str]) -> None:
    made = traces.parse([*lines, ''])
    assert made is not None
    assert len(made[0].values) == 20
    assert made[0].values[10] > made[0].values[1]


def test_a_real_trace_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = traces.read(SAMPLES / 'nab')
    assert len(found.values) == 576
    assert capsys.readouterr().err.endswith('nab: 1 machines\n')


def test_a_compressed_file_is_known_by_its_first_bytes(
    tmp_path: pathlib.Path,
) -> None:
    (tmp_path / 'nab.csv').write_bytes(gzip.compress('\n'.join(NAB).encode()))
    assert len(traces.read(tmp_path)) == 1


def test_what_is_no_number_was_not_measured(tmp_path: pathlib.Path) -> None:
    write(tmp_path / 'nab.csv', [*NAB, '2014,nan'])
    (found,) = traces.read(tmp_path)
    assert numpy.isnan(found.values[20])


@pytest.mark.parametrize(
    'lines',
    [
        ['a,b', '1,2'],
        [],
        NAB[:1],
        NAB[:6],
        ['timestamp,value'] + ['2014,nan'] * 20,
    ],
)
def test_a_file_that_can_drive_nothing_is_told(
    lines: list[str],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / 'other.csv', lines)
    with pytest.raises(exception.ConfigError, match=r'no traces.*other\.csv'):
        traces.read(tmp_path)
    write(tmp_path / 'nab.csv', NAB)
    assert len(traces.read(tmp_path)) == 1
    told, counted = capsys.readouterr().err.splitlines()
    assert f'left out {tmp_path}/other.csv: ' in told
    assert counted.endswith(': 1 machines')


def test_many_foreign_files_of_a_folder_are_one_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ('a.csv', 'b.csv', 'c.csv'):
        write(tmp_path / name, ['a,b'])
    write(tmp_path / 'nab.csv', NAB)
    traces.read(tmp_path)
    told, _ = capsys.readouterr().err.splitlines()
    assert '/a.csv and 2 more: expected columns' in told


@pytest.mark.parametrize(
    ('lines', 'told'),
    [
        ([*NAB, '2014,x'], "line 22: could not convert string to float: 'x'"),
        ([*NAB, '2014'], 'line 22: 1 columns instead of 2'),
        ([*NAB, '2014,-1'], "line 22: '-1' is nothing"),
        ([*NAB, '2014,inf'], "line 22: 'inf' is nothing"),
        ([*BITBRAINS, '7,20'], 'line 22: 2 columns instead of 3'),
        ([*PLANETLAB, 'other,1,'], 'line 2: could not convert'),
        ([*NAB, '2014,"' + 'x' * 200_000], 'line 22: field larger'),
    ],
)
def test_a_broken_line_is_told_with_its_file(
    lines: list[str], told: str, tmp_path: pathlib.Path
) -> None:
    write(tmp_path / 'bad.csv', lines)
    with pytest.raises(exception.ConfigError, match=r'bad\.csv') as caught:
        traces.read(tmp_path)
    assert told in str(caught.value)


@pytest.mark.parametrize('lines', FORMS)
@given(data=st.data())
def test_a_damaged_file_ends_in_traces_or_one_line(
    lines: list[str],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole = '\n'.join(lines).encode()
    whole = gzip.compress(whole) if data.draw(st.booleans()) else whole
    folder = tmp_path_factory.mktemp('damaged')
    path = folder / 'bad.csv'
    path.write_bytes(damage.damaged(data, damage.cut(data, whole)))
    damage.ends_in_traces_or_one_line(folder, str(path))
