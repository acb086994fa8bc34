# SPDX-License-Identifier: Apache-2.0
"""Recommendations, and what people decide about them."""

from typing import Any

from kvm_insight.api import asking, moment, problem
from kvm_insight.api.handler import order
from kvm_insight.api.resource import document
from kvm_insight.api.resource import order as order_resource
from kvm_insight.api.resource import recommendation as resource
from kvm_insight.model import codec, control, execution, recommendation
from kvm_insight.store import facts, paging, recommendations

Listing = asking.Ask[resource.RecommendationsQuery, None]
Plain = asking.Ask[document.Query, None]
Deciding = asking.Ask[document.Query, order_resource.Decision]

#: Nobody can change any more what is of it.
_OVER = ('executing', 'executed', 'failed', 'expired', 'withdrawn')


def index(ask: Listing) -> resource.Recommendations:
    """Return a part of the recommendations."""
    query = ask.query
    page = asking.page(query, query.sort_key, query.sort_dir, query.marker)
    wanted = recommendations.Filter(
        state=query.state,
        mode=query.mode,
        outcome=query.outcome,
        instance=query.instance,
        host=query.host,
        since_us=moment.optional(query.since, 'since'),
        until_us=moment.optional(query.until, 'until'),
    )
    found, links = asking.part(
        ask,
        lambda: recommendations.listed(ask.store, wanted, page),
        lambda row: str(row['id']),
    )
    made = [resource.Recommendation(**_fields(row)) for row in found]
    return resource.Recommendations(recommendations=made, links=links)


def show(ask: Plain) -> resource.RecommendationDetail:
    """Return one recommendation."""
    row = _row(ask)
    ident = row['id']
    said = facts.order(ask.store, f'decision/recommendation/{ident}')
    begun = facts.fact(
        ask.store, execution.PREFIX + ident, execution.Execution
    )
    return resource.RecommendationDetail(
        **_fields(row),
        record=_record(row),
        execution=begun,
        decision=order.shown(said, ask.now_us) if said else None,
    )


def approve(ask: Deciding) -> order_resource.Order:
    """Let the actuator carry it out."""
    return _decided(ask, 'approval')


def reject(ask: Deciding) -> order_resource.Order:
    """Let nobody carry it out."""
    return _decided(ask, 'rejection')


def _decided(ask: Deciding, kind: control.Kind) -> order_resource.Order:
    row = _row(ask)
    one = _record(row)
    if ask.if_match not in (None, '*', f'"{one.fingerprint}"'):
        raise problem.Problem(
            412,
            problem.CHANGED,
            'If-Match: the recommendation rests on other facts by now.',
        )
    if one.state in _OVER or row['gone_us'] is not None:
        raise problem.Problem(
            409, problem.CONFLICT, f'The recommendation is {one.state}.'
        )
    return order.decide(ask, kind, one.id)


def _row(ask: asking.Ask[document.Query, Any]) -> paging.Row:
    row = recommendations.one(ask.store, ask.path['id'])
    if row is None:
        raise problem.unknown()
    return row


def _record(row: paging.Row) -> recommendation.Recommendation:
    return codec.decode(row['record'], recommendation.Recommendation)


def _fields(row: paging.Row) -> dict[str, Any]:
    one = _record(row)
    return {
        'id': one.id,
        'state': one.state,
        'mode': one.mode,
        'generation': one.generation,
        'gain_core_s': one.gain_core_s,
        'cost_core_s': one.cost_core_s,
        'risk': one.risk,
        'created_us': one.created_us,
        'expires_us': one.expires_us,
        'outcome': one.outcome.verdict if one.outcome else None,
        'moves': one.moves,
        'gone_us': row['gone_us'],
        'summary': one.summary,
    }
