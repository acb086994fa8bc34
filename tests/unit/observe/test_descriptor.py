# SPDX-License-Identifier: Apache-2.0
"""Files that are kept open say what plain reading says."""

import pathlib
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.observe import descriptor, file


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.text('ab\n', min_size=1, max_size=3000), max_size=5),
    st.integers(0, 1),
)
def test_a_kept_file_is_read_as_it_is_now(
    texts: list[str], budget: int
) -> None:
    files = descriptor.Files(descriptor.Budget(budget))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'cpu.pressure'
        for text in texts:
            path.write_text(text)
            assert files.read(path) == file.read(path) == text
    files.close()


def test_a_file_that_comes_later_is_found_and_one_that_went_is_none(
    tmp_path: pathlib.Path,
) -> None:
    files = descriptor.Files(descriptor.Budget())
    path = tmp_path / 'memory.current'
    assert files.read(path) is None
    path.write_text('5\n')
    assert file.read_number(path, files.read) == 5
    files.close()
    path.unlink()
    assert files.read(path) is None


def test_all_descriptors_are_given_back(tmp_path: pathlib.Path) -> None:
    budget = descriptor.Budget()
    files = descriptor.Files(budget)
    for name in ('one', 'two'):
        (tmp_path / name).write_text(name)
        files.read(tmp_path / name)
        files.read(tmp_path / name)
    assert budget.used == 2
    files.close()
    assert budget.used == 0


def test_a_folder_is_listed_once_it_is_there(tmp_path: pathlib.Path) -> None:
    files = descriptor.Files(descriptor.Budget())
    folder = tmp_path / 'group'
    assert files.names(folder) == []
    folder.mkdir()
    (folder / 'hugetlb.2MB.current').write_text('0\n')
    assert files.names(folder) == ['hugetlb.2MB.current']
