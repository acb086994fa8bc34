# SPDX-License-Identifier: Apache-2.0
"""Orders: they go onto ``control``, and are listed when the recorder has
read them there."""

from collections.abc import Callable
from typing import Any

from kvm_insight.api import asking, problem
from kvm_insight.api.resource import document, order
from kvm_insight.model import control
from kvm_insight.store import facts, paging

Listing = asking.Ask[order.OrdersQuery, None]
Plain = asking.Ask[document.Query, None]


def mutes(ask: Listing) -> order.Mutes:
    """Return a part of the mutes."""
    found, links = _listed(ask, 'mute')
    return order.Mutes(mutes=found, links=links)


def acknowledgements(ask: Listing) -> order.Acknowledgements:
    """Return a part of the acknowledgements."""
    found, links = _listed(ask, 'acknowledgement')
    return order.Acknowledgements(acknowledgements=found, links=links)


def opt_outs(ask: Listing) -> order.OptOuts:
    """Return a part of the opt-outs."""
    found, links = _listed(ask, 'opt_out')
    return order.OptOuts(opt_outs=found, links=links)


def blackout_windows(ask: Listing) -> order.BlackoutWindows:
    """Return a part of the blackout windows."""
    found, links = _listed(ask, 'blackout')
    return order.BlackoutWindows(blackout_windows=found, links=links)


def mute(ask: asking.Ask[document.Query, order.Mute]) -> order.Order:
    """Say that nothing is recommended about it."""
    return _said(ask, 'mute', ask.body.about, ask.body.subject)


def acknowledge(
    ask: asking.Ask[document.Query, order.Acknowledgement],
) -> order.Order:
    """Say that somebody is at it."""
    return _said(ask, 'acknowledgement', 'finding', ask.body.finding)


def opt_out(ask: asking.Ask[document.Query, order.OptOut]) -> order.Order:
    """Say that it is never moved."""
    return _said(ask, 'opt_out', ask.body.about, ask.body.subject)


def black_out(
    ask: asking.Ask[document.Query, order.BlackoutWindow],
) -> order.Order:
    """Say that nothing is moved there meanwhile."""
    body = ask.body
    if (body.about == 'cloud') != (body.subject is None):
        raise _bad_body('subject: of a host or an aggregate, and only there.')
    if body.every_s is not None:
        _check_repeated(body, body.every_s)
    return _said(
        ask,
        'blackout',
        body.about,
        body.subject or '',
        name=body.name or '',
        begins_us=body.begins_us,
        every_s=body.every_s,
    )


def _check_repeated(body: order.BlackoutWindow, every_s: int) -> None:
    if body.begins_us is None or body.ends_us is None:
        raise _bad_body('every_s: needs begins_us and ends_us.')
    if body.ends_us - body.begins_us > every_s * 1_000_000:
        raise _bad_body('every_s: must not be shorter than the window.')


def take_back(kind: control.Kind) -> Callable[[Plain], None]:
    """Return what takes back an order of this kind."""

    def delete(ask: Plain) -> None:
        key = f'{kind}/{ask.path["id"]}'
        if facts.order(ask.store, key) is None:
            raise problem.unknown()
        ask.say(key, None)

    return delete


def _listed(
    ask: Listing, kind: control.Kind
) -> tuple[list[order.Order], list[document.Link]]:
    marker = ask.query.marker
    after = None if marker is None else f'{kind}/{marker}'
    page = paging.Page(ask.query.limit, 'key', after=after)
    found, links = asking.part(
        ask,
        lambda: facts.orders(ask.store, [kind], page, ask.query.subject),
        lambda pair: pair[0].removeprefix(f'{kind}/'),
    )
    return [shown(one, ask.now_us) for _, one in found], links


def _said(
    ask: asking.Ask[document.Query, Any],
    kind: control.Kind,
    about: control.Subject,
    subject: str,
    *,
    name: str = '',
    begins_us: int | None = None,
    every_s: int | None = None,
) -> order.Order:
    """Put it onto the bus; return it as it was said."""
    ends_us = getattr(ask.body, 'ends_us', None)
    least_us = begins_us or 0
    if every_s is None:
        least_us = max(least_us, ask.now_us)
    if ends_us is not None and ends_us <= least_us:
        raise _bad_body('ends_us: must be in the future.')
    one = control.Order(
        kind=kind,
        about=about,
        subject=subject,
        name=name,
        by=ask.who.name[:1024],
        reason=ask.body.reason,
        made_us=ask.now_us,
        begins_us=begins_us,
        ends_us=ends_us,
        every_s=every_s,
    )
    ask.say(control.key(one), one)
    return shown(one, ask.now_us)


def decide(
    ask: asking.Ask[document.Query, Any],
    kind: control.Kind,
    recommendation: str,
) -> order.Order:
    """Say what is thought of a recommendation."""
    return _said(ask, kind, 'recommendation', recommendation)


def shown(one: control.Order, now_us: int) -> order.Order:
    """Return it as it is listed."""
    return order.Order(
        id=control.key(one).partition('/')[2],
        kind=one.kind,
        about=one.about,
        subject=one.subject,
        name=one.name,
        by=one.by,
        reason=one.reason,
        made_us=one.made_us,
        begins_us=one.begins_us,
        ends_us=one.ends_us,
        every_s=one.every_s,
        holds=control.holds(one, now_us),
    )


def _bad_body(why: str) -> problem.Problem:
    return problem.Problem(400, problem.BAD_BODY, why)
