# SPDX-License-Identifier: Apache-2.0
"""Orders: what people say about recommendations, findings and moves.

What is said goes onto the bus, and is listed as soon as the recorder has read
it there, as a rule within a second.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.api.resource import document
from kvm_insight.model import control

Reason = Annotated[str, msgspec.Meta(max_length=1024)]
#: A name in an address: no slash, nothing that does not print.
Name = Annotated[
    str, msgspec.Meta(pattern=r'^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$(?!\n)')
]
Subject = Annotated[
    str,
    msgspec.Meta(
        min_length=1, max_length=512, pattern=r'^[^\x00-\x20\x7f]+$(?!\n)'
    ),
]


class Order(document.Document, frozen=True, kw_only=True):
    """What was said once."""

    #: Its address below the list: subject and name.
    id: str
    kind: control.Kind
    about: control.Subject
    subject: str
    name: str
    by: str | None
    reason: str | None
    made_us: int
    begins_us: int | None
    ends_us: int | None
    #: It comes again so often, each time as long.
    every_s: int | None
    #: Whether it holds now.
    holds: bool


class Mutes(document.Document, frozen=True, kw_only=True):
    """A part of the mutes."""

    mutes: list[Order]
    links: list[document.Link]


class Acknowledgements(document.Document, frozen=True, kw_only=True):
    """A part of the acknowledgements."""

    acknowledgements: list[Order]
    links: list[document.Link]


class OptOuts(document.Document, frozen=True, kw_only=True):
    """A part of the opt-outs."""

    opt_outs: list[Order]
    links: list[document.Link]


class BlackoutWindows(document.Document, frozen=True, kw_only=True):
    """A part of the blackout windows."""

    blackout_windows: list[Order]
    links: list[document.Link]


class OrdersQuery(document.Paged, frozen=True, kw_only=True):
    """Which of them."""

    subject: document.Word | None = None


class Decision(document.Body, frozen=True, kw_only=True):
    """Why it is approved or rejected."""

    reason: Reason | None = None


class Mute(document.Body, frozen=True, kw_only=True):
    """Nothing is recommended about it."""

    about: Literal['host', 'instance', 'project']
    subject: Subject
    reason: Reason | None = None
    ends_us: document.Count | None = None


class Acknowledgement(document.Body, frozen=True, kw_only=True):
    """Somebody is at it."""

    finding: Subject
    reason: Reason | None = None
    ends_us: document.Count | None = None


class OptOut(document.Body, frozen=True, kw_only=True):
    """It is never moved."""

    about: Literal['instance', 'project']
    subject: Subject
    reason: Reason | None = None
    ends_us: document.Count | None = None


class BlackoutWindow(document.Body, frozen=True, kw_only=True):
    """Nothing is moved there meanwhile."""

    about: Literal['host', 'aggregate', 'cloud']
    #: Of the cloud: left out.
    subject: Subject | None = None
    #: Tells windows of one subject apart.
    name: Name | None = None
    reason: Reason | None = None
    begins_us: document.Count | None = None
    ends_us: document.Count | None = None
    #: At least a minute; a week is 604800.
    every_s: Annotated[int, msgspec.Meta(ge=60, le=31_622_400)] | None = None
