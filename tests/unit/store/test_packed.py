# SPDX-License-Identifier: Apache-2.0
"""What is packed into a column comes out as it was, and is small."""

from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import usage
from kvm_insight.store import charges, histogram, text

COUNTS = st.integers(0, 2**53 - 1)
BINS = st.dictionaries(
    st.integers(0, usage.BINS - 1), st.integers(1, 36_000), max_size=30
).map(lambda bins: sorted(bins.items()))


@given(BINS)
def test_a_histogram_comes_out_as_it_was(bins: list[usage.Bin]) -> None:
    assert histogram.unpack(histogram.pack(bins)) == bins


@given(BINS, BINS)
def test_packed_histograms_add_up(
    one: list[usage.Bin], other: list[usage.Bin]
) -> None:
    packed = [histogram.pack(one), None, histogram.pack(other)]
    assert histogram.merge(packed) == usage.merged([one, other])


def test_the_largest_histogram_fits_its_column() -> None:
    packed = histogram.pack([(one, 2**53 - 1) for one in range(usage.BINS)])
    assert packed is not None
    assert len(packed) < 2**16


@given(
    st.lists(st.text(max_size=20), max_size=9),
    st.lists(st.tuples(COUNTS, COUNTS, COUNTS), max_size=9),
)
def test_a_ledger_comes_out_as_it_was(
    entities: list[str], made: list[usage.Charge]
) -> None:
    found = charges.unpack(charges.pack(entities, made))
    assert found == ((entities, made) if made else ([], []))


@given(st.text(max_size=1024), st.text(max_size=1024))
def test_keys_fit_and_stay_unequal(one: str, other: str) -> None:
    kept = text.key(one), text.key(other)
    assert all(len(word) <= text.WORD and '\0' not in word for word in kept)
    assert (kept[0] == kept[1]) == (one == other)


@given(st.text(max_size=1024))
def test_what_people_read_fits(word: str) -> None:
    found = text.shown(word)
    assert found is not None
    assert len(found) <= text.WORD
    assert '\0' not in found
