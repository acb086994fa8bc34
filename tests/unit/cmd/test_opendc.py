# SPDX-License-Identifier: Apache-2.0
"""OpenDC's traces: two tables told apart by their columns, and damaged."""

import pathlib
import shutil
import sys
from typing import Any

import numpy
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from kvm_insight import exception
from kvm_insight.cmd import traces

from . import damage

SAMPLE = pathlib.Path(__file__).parents[2] / 'traces/opendc'
#: 20 fragments of five minutes, of one machine with two cores of 1000 MHz.
MACHINES: dict[str, Any] = {
    'id': ['7'],
    'cpu_count': [2],
    'cpu_capacity': [2000.0],
}
FRAGMENTS: dict[str, Any] = {
    'id': ['7'] * 20,
    'timestamp': [300_000 * (at + 1) for at in range(20)],
    'duration': [300_000] * 20,
    'cpu_count': [2] * 20,
    'cpu_usage': [100.0 * at for at in range(20)],
}


def changed(row: int, **cells: object) -> dict[str, Any]:
    """The fragments with other cells in one row."""
    table = {name: list(column) for name, column in FRAGMENTS.items()}
    for name, cell in cells.items():
        table[name][row] = cell
    return table


def write(
    folder: pathlib.Path,
    fragments: dict[str, Any],
    machines: dict[str, Any] = MACHINES,
) -> pathlib.Path:
    parquet.write_table(pyarrow.table(machines), folder / 'meta.parquet')
    parquet.write_table(pyarrow.table(fragments), folder / 'trace.parquet')
    return folder


def refused(folder: pathlib.Path) -> str:
    with pytest.raises(exception.ConfigError) as caught:
        traces.read(folder)
    told = str(caught.value)
    assert len(told.splitlines()) == 1
    return told


def test_a_day_of_real_machines_is_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = traces.read(SAMPLE)
    assert [len(one.values) for one in found] == [279, 289, 289, 289, 289]
    assert {one.every_s for one in found} == {300.0}
    # Machine 997 used 9464 of 19200 MHz in the mean, each five minutes.
    assert found[4].values.mean() == pytest.approx(0.493, abs=1e-3)
    told, counted = capsys.readouterr().err.splitlines()
    assert 'trace.parquet: 1 of 6 machines, which have fewer than 12' in told
    assert counted.endswith(': 5 machines')


def test_use_is_a_part_of_the_capacity(tmp_path: pathlib.Path) -> None:
    (found,) = traces.read(write(tmp_path, FRAGMENTS))
    assert found.values == pytest.approx([0.05 * at for at in range(20)])


def test_any_names_will_do_and_time_may_be_missing(
    tmp_path: pathlib.Path,
) -> None:
    newer = {k: v for k, v in FRAGMENTS.items() if k != 'timestamp'}
    newer['id'] = [7] * 20
    write(tmp_path, newer, {'id': [7], 'cpu_capacity': [2000.0]})
    (tmp_path / 'meta.parquet').rename(tmp_path / 'tasks.parquet')
    (tmp_path / 'trace.parquet').rename(tmp_path / 'fragments.parquet')
    (found,) = traces.read(tmp_path)
    assert found.values == pytest.approx([0.05 * at for at in range(20)])


def test_categories_are_names_like_others(tmp_path: pathlib.Path) -> None:
    ids = pyarrow.DictionaryArray.from_arrays([2, 1], ['none', '7', '6'])
    machines = {'id': ids, 'cpu_capacity': [1.0, 2000.0]}
    rows = pyarrow.DictionaryArray.from_arrays([1] * 20, ['none', '7'])
    (found,) = traces.read(
        write(tmp_path, {**FRAGMENTS, 'id': rows}, machines)
    )
    assert found.values == pytest.approx([0.05 * at for at in range(20)])


def test_a_long_fragment_is_as_many_steps(tmp_path: pathlib.Path) -> None:
    table = changed(19, timestamp=300_000 * 25, duration=300_000 * 6)
    (found,) = traces.read(write(tmp_path, table))
    assert found.values[18:] == pytest.approx([0.9] + [0.95] * 6)


@pytest.mark.parametrize('cells', [{'cpu_count': 0}, {'cpu_usage': None}])
def test_a_machine_without_cores_or_use_was_not_measured(
    cells: dict[str, object], tmp_path: pathlib.Path
) -> None:
    (found,) = traces.read(write(tmp_path, changed(5, **cells)))
    assert numpy.flatnonzero(numpy.isnan(found.values)).tolist() == [5]


@pytest.mark.parametrize('capacity', [0.0, numpy.nan, None])
def test_without_a_capacity_nothing_is_known(
    capacity: float | None, tmp_path: pathlib.Path
) -> None:
    machines = {**MACHINES, 'cpu_capacity': pyarrow.array([capacity], 'f8')}
    write(tmp_path, FRAGMENTS, machines)
    assert '1 of 1 machines, which have fewer' in refused(tmp_path)


@pytest.mark.parametrize(
    ('cells', 'told'),
    [
        ({'cpu_usage': -1.0}, 'a use of -1 MHz of 2000'),
        ({'cpu_usage': 1e300}, 'a use of 1e+300 MHz of 2000'),
        ({'duration': -1}, 'a duration that is missing or below 0'),
        ({'duration': None}, 'a duration that is missing or below 0'),
        ({'timestamp': None}, 'a row without a timestamp'),
        ({'timestamp': 2**50}, 'machine 7: '),
        ({'id': None}, 'a row without an id'),
        ({'id': '8'}, 'machine 8 has no capacity'),
    ],
)
def test_a_cell_that_cannot_be_is_told(
    cells: dict[str, object], told: str, tmp_path: pathlib.Path
) -> None:
    found = refused(write(tmp_path, changed(5, **cells)))
    assert f'{tmp_path}/trace.parquet cannot be read: {told}' in found


def test_a_column_of_another_kind_is_told(tmp_path: pathlib.Path) -> None:
    write(tmp_path, {**FRAGMENTS, 'cpu_usage': ['idle'] * 20})
    assert 'trace.parquet cannot be read: column cpu_usage' in refused(
        tmp_path
    )


def test_a_machine_is_there_once(tmp_path: pathlib.Path) -> None:
    twice = {name: column * 2 for name, column in MACHINES.items()}
    write(tmp_path, FRAGMENTS, twice)
    assert 'meta.parquet cannot be read: one machine' in refused(tmp_path)
    write(tmp_path, FRAGMENTS)
    shutil.copy(tmp_path / 'meta.parquet', tmp_path / 'more.parquet')
    assert 'more.parquet cannot be read: machine 7' in refused(tmp_path)


@pytest.mark.parametrize('missing', ['meta', 'trace'])
def test_one_table_alone_is_told(missing: str, tmp_path: pathlib.Path) -> None:
    write(tmp_path, FRAGMENTS)
    (tmp_path / f'{missing}.parquet').unlink()
    there = {'meta': 'trace', 'trace': 'meta'}[missing]
    assert f'{there}.parquet' in refused(tmp_path)


@pytest.mark.parametrize('bytes_', [b'', b'a,b\n1,2\n', b'PAR1PAR1'])
def test_what_is_no_parquet_is_told(
    bytes_: bytes, tmp_path: pathlib.Path
) -> None:
    (tmp_path / 'trace.parquet').write_bytes(bytes_)
    assert 'trace.parquet cannot be read' in refused(tmp_path)


def test_another_table_is_left_out_and_told(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, FRAGMENTS)
    other = pyarrow.table({'carbon_intensity': [1.0]})
    parquet.write_table(other, tmp_path / 'carbon.parquet')
    assert len(traces.read(tmp_path)) == 1
    assert 'carbon.parquet: expected columns' in capsys.readouterr().err


def test_without_pyarrow_the_remedy_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    told = refused(SAMPLE)
    assert 'meta.parquet' in told
    assert "pip install 'kvm-insight[traces]'" in told


@given(data=st.data())
def test_a_damaged_file_ends_in_traces_or_one_line(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp('damaged')
    shutil.copytree(SAMPLE, folder, dirs_exist_ok=True)
    name = data.draw(st.sampled_from(['meta.parquet', 'trace.parquet']))
    whole = (folder / name).read_bytes()
    kept = damage.cut(data, whole)
    kept = whole if data.draw(st.booleans()) else kept
    (folder / name).write_bytes(damage.damaged(data, kept))
    damage.ends_in_traces_or_one_line(folder, str(folder))
