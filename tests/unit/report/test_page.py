# SPDX-License-Identifier: Apache-2.0
"""The page: one file that is well formed, whatever a name has in it."""

import datetime
import html.parser
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.report import figure, page, plot, tenant, value
from tests.unit.report import material

VOID = {'meta', 'br', 'hr', 'img', 'input', 'link'}
SVG = re.compile(r'<svg.*?</svg>', re.DOTALL)


class Reader(html.parser.HTMLParser):
    """Says which elements there are, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def text(made_of: value.Material) -> str:
    made = tenant.report(made_of, material.NOVEMBER, material.END_US)
    return page.text(made, datetime.UTC)


def read(made_of: value.Material) -> Reader:
    reader = Reader()
    reader.feed(text(made_of))
    reader.close()
    assert reader.open == []
    return reader


def full() -> value.Material:
    stretch = value.Stretch(
        material.BEGIN_US, material.HOUR_US, material.sums(delay_us=10**9)
    )
    wait = value.Stretch(
        material.BEGIN_US,
        material.HOUR_US,
        material.sums(delay_us=10**9),
        material.ONE,
    )
    return material.of(
        material.use(cpu=material.sums(run_us=10**9, delay_us=10**9)),
        stretches=(stretch,),
        worst=(wait,),
        found=(value.Found(material.found()),),
    )


@settings(max_examples=20)
@given(material.any_material())
def test_any_report_is_a_well_formed_page(made_of: value.Material) -> None:
    read(made_of)


@pytest.mark.parametrize(
    'name',
    [
        '<script>alert(1)</script>',
        '"><img src=x onerror=alert(1)>',
        "' onload='x",
        '{{ 7*7 }}{% raw %}',
        '</title></style></svg>',
    ],
)
def test_a_name_is_words_and_nothing_else(name: str) -> None:
    plain = [tag for tag, _ in read(material.of(material.use())).seen]
    reader = read(material.of(material.use(name=name)))
    assert [tag for tag, _ in reader.seen] == plain
    assert any(name in words for words in reader.words)


@settings(max_examples=20)
@given(st.text(max_size=40))
def test_any_name_is_words(name: str) -> None:
    reader = read(material.of(material.use(name=name)))
    assert 'script' not in {tag for tag, _ in reader.seen}


def test_nothing_is_fetched_and_nothing_runs() -> None:
    reader = read(full())
    tags = {tag for tag, _ in reader.seen}
    assert not tags & {'script', 'link', 'img', 'iframe', 'object', 'form'}
    for _, attributes in reader.seen:
        # A policy of the server may forbid the latter two.
        names = [*attributes]
        assert not any(one.startswith('on') for one in names)
        assert not {'src', 'href', 'style', 'action'} & set(names)
    assert '@import' not in text(full())
    urls = set(re.findall(r'url\(([^)]*)\)', text(full())))
    assert all(url.startswith('#') for url in urls)


def test_it_can_be_read_without_seeing_it() -> None:
    reader = read(full())
    seen = dict(reader.seen)
    assert seen['html']['lang'] == 'en'
    assert sum(tag == 'h1' for tag, _ in reader.seen) == 1
    tables = sum(tag == 'table' for tag, _ in reader.seen)
    assert sum(tag == 'caption' for tag, _ in reader.seen) == tables
    for tag, attributes in reader.seen:
        if tag == 'th':
            assert attributes['scope'] in {'col', 'row'}
        if tag == 'svg':
            told = {'aria-labelledby', 'aria-label', 'aria-hidden'}
            assert told & set(attributes)


def test_plots_are_well_formed_and_within_their_frame() -> None:
    for drawn in SVG.findall(text(full())):
        ET.fromstring(drawn)
    made = tenant.report(full(), material.NOVEMBER, material.END_US)
    shown = plot.stacked(
        made.timeline,
        datetime.UTC,
        lambda slot: {'wait': slot.waited_core_s},
        lambda kind, number: f'{number:.0f} s',
    )
    (bar,) = shown.bars
    assert bar.title == '2026-11-01: 1000 s'
    assert bar.x >= plot.LEFT
    assert bar.y >= plot.TOP
    assert bar.y + bar.height == plot.HEIGHT - plot.BOTTOM
    assert shown.up[-1].text == '1000'


@given(st.floats(1e-6, 1e9))
def test_axes_have_a_few_round_marks(highest: float) -> None:
    ticks = plot._ticks(highest)
    assert 3 <= len(ticks) <= 6
    assert ticks[-1] >= highest * (1 - 1e-6)


def test_a_gap_hangs_in_the_plots_and_is_no_low_bar() -> None:
    made = tenant.report(full(), material.NOVEMBER, material.END_US)
    shown = plot.stacked(
        made.timeline,
        datetime.UTC,
        lambda slot: {'run': slot.run_core_s},
        lambda kind, number: '',
    )
    assert len(shown.gaps) == 30
    assert shown.gaps[3].height == plot.HEIGHT - plot.TOP - plot.BOTTOM


@pytest.mark.parametrize(
    ('ratio', 'told'),
    [
        (None, '–'),  # noqa: RUF001
        (0.0, '0.0 %'),
        (0.0004, '< 0.1 %'),
        (0.99999, '99.9 %'),
        (1.0, '100 %'),
        (0.123, '12.3 %'),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(
    ratio: float | None, told: str
) -> None:
    assert figure.share(ratio) == told


@pytest.mark.parametrize(
    ('seconds', 'told'),
    [
        (4.2, '4 s'),
        (600, '10 min'),
        (3723, '1 h 2 min'),
        (90_000, '1 d 1 h'),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(
    seconds: float, told: str
) -> None:
    assert figure.duration(seconds) == told


def test_sizes_are_in_the_largest_unit_of_which_there_is_one() -> None:
    assert figure.size(512) == '512 B'
    assert figure.size(5 * 2**30) == '5.0 GiB'
    assert figure.size(None) == figure.NONE


def test_what_was_not_measured_is_a_dash_in_all_rows() -> None:
    told = text(material.of(material.use(cpu=value.Sums())))
    assert '>0</td>' not in told
    assert 'Nothing was measured.' in told
