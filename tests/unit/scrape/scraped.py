# SPDX-License-Identifier: Apache-2.0
"""What a scraper sees of points: by name and labels."""

from collections.abc import Iterable

from prometheus_client import parser

from kvm_insight.scrape import family, page

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def text(points: Iterable[family.Point]) -> str:
    """Return what is served of these."""
    made = page.Page(page.registry_of('test', '1', lambda: points))
    return made.render()[1].decode()


def values(points: Iterable[family.Point]) -> Values:
    """Return name and labels -> value, of our own families."""
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for found in parser.text_string_to_metric_families(text(points))
        for one in found.samples
        if one.name.startswith('kvm_insight_')
    }


def of(seen: Values, name: str, **labels: str) -> float | None:
    """Return the one value with these labels, whatever others it has."""
    found = [
        value
        for (its, theirs), value in seen.items()
        if its == f'kvm_insight_{name}'
        and labels.items() <= dict(theirs).items()
    ]
    assert len(found) <= 1, (name, labels, found)
    return found[0] if found else None
