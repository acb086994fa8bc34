# SPDX-License-Identifier: Apache-2.0
"""Document: what all that is asked and answered shares.

Times are µs since 1970 (``_us``), as on the bus. What was not measured is
``null``; what the asker may not know is absent.
"""

import dataclasses
from typing import Annotated

import msgspec

from kvm_insight.model import sample

Count = sample.Count
#: Keys and names; no answer depends on longer ones.
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
#: A day (``2026-11-01``), a moment (``2026-11-01T12:00:00Z``), or µs.
Moment = Annotated[
    str,
    msgspec.Meta(
        pattern=r'^(\d{1,16}|\d{4}-\d\d-\d\d'
        r'(T\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?)$',
        description='a day, a moment of ISO 8601 (UTC where it does not say'
        ' another zone), or microseconds since 1970',
        examples=['2026-11-01T12:00:00Z'],
    ),
]
#: A field that only operators are shown.
Unset = msgspec.UnsetType
UNSET = msgspec.UNSET


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""


class Query(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What may stand behind the question mark."""


class Body(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What may be sent."""


class Link(Document, frozen=True, kw_only=True):
    """Where to go on."""

    rel: str
    href: str


class Paged(Query, frozen=True, kw_only=True):
    """A part of a list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    #: The id of the last one of the part before.
    marker: Word | None = None
    #: Names of fields, with commas between them; all without it.
    fields: Word | None = None


class Between(Query, frozen=True, kw_only=True):
    """From when to when: the last 24 hours where nothing is said."""

    since: Moment | None = None
    until: Moment | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """An answer that is no JSON."""

    kind: str
    content: str
