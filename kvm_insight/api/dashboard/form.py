# SPDX-License-Identifier: Apache-2.0
"""Forms: what people say, handed to the same handlers as programs' words."""

import dataclasses
from collections.abc import Callable, Mapping

from kvm_insight.api.dashboard import (
    finding,
    order,
    page,
    reading,
    recommendation,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Act:
    """What a form does."""

    #: Does it, and returns where to go on; raises Problem.
    do: Callable[[reading.Reader, Mapping[str, str]], str]
    #: The page that the form is on.
    make: page.Make


FORMS: dict[str, Act] = {
    '/recommendations/<id>/approve': Act(
        recommendation.decide('approve'), recommendation.show
    ),
    '/recommendations/<id>/reject': Act(
        recommendation.decide('reject'), recommendation.show
    ),
    '/findings/<id>/acknowledge': Act(finding.acknowledge, finding.show),
    '/orders/mutes': Act(order.say('mutes'), order.index),
    '/orders/opt-outs': Act(order.say('opt-outs'), order.index),
    '/orders/blackout-windows': Act(
        order.say('blackout-windows'), order.index
    ),
    '/orders/<kind>/take-back': Act(order.take_back, order.index),
}
