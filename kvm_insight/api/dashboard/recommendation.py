# SPDX-License-Identifier: Apache-2.0
"""Recommendations: what to move, why, and what came of it."""

from collections.abc import Callable, Mapping

from kvm_insight.api.dashboard import page, reading

_FILTERS = (
    'state',
    'mode',
    'outcome',
    'instance',
    'host',
    'since',
    'until',
    'marker',
)


def index(reader: reading.Reader) -> page.Page:
    """Return a part of the recommendations."""
    told = reader.arguments
    query = {name: told[name] for name in _FILTERS if name in told}
    found = reader.get('/v1/recommendations', **query, limit=50)
    return page.Page(
        'recommendations.html',
        {
            'recommendations': found.recommendations,
            'next': page.more(reader, found.links),
            'filters': page.Told(told),
        },
    )


def show(reader: reading.Reader) -> page.Page:
    """Return the page of one recommendation."""
    one = reader.get('/v1/recommendations/{id}')
    may_decide = reader.may('/v1/recommendations/{id}/approve', 'POST')
    is_open = one.state in ('proposed', 'approved') and one.gone_us is None
    return page.Page(
        'recommendation.html',
        {
            'one': one,
            'largest': max(
                (max(part.before, part.after) for part in one.record.parts),
                default=0.0,
            ),
            'may_decide': may_decide and is_open,
        },
    )


def decide(
    word: str,
) -> Callable[[reading.Reader, Mapping[str, str]], str]:
    """Return what says so of a recommendation, as it was on the page."""

    def do(reader: reading.Reader, told: Mapping[str, str]) -> str:
        reader.ask(
            'POST',
            f'/v1/recommendations/{{id}}/{word}',
            body={'reason': told.get('reason', '').strip()},
            if_match=f'"{told.get("fingerprint", "")}"',
        )
        return f'/recommendations/{reader.path["id"]}?said={word}'

    return do
