# SPDX-License-Identifier: Apache-2.0
"""Route: what one method of one address does, takes and gives."""

import dataclasses
from collections.abc import Callable
from typing import Any

import msgspec

from kvm_insight.api import asking
from kvm_insight.api.resource import document

Handler = Callable[[asking.Ask[Any, Any]], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Route:
    """One of them; OpenAPI's document is made of these."""

    handler: Handler
    #: Its name in ``policy``.
    policy: str
    #: What is answered; None is nothing.
    answer: type[msgspec.Struct] | None
    query: type[document.Query] = document.Query
    body: type[document.Body] | None = None
    #: Whether the body may be left out.
    body_optional: bool = False
    status: int = 200
    #: Media types of ``document.Text`` that it may answer instead.
    texts: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Return what it does, in a few words."""
        text = self.handler.__doc__ or ''
        return text.strip().splitlines()[0].rstrip('.') if text else ''
