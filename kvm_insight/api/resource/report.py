# SPDX-License-Identifier: Apache-2.0
"""Reports: how a project's instances fared in a month."""

from typing import Annotated, Literal

import msgspec

from kvm_insight.api.resource import document

Month = Annotated[
    str,
    msgspec.Meta(
        pattern=r'^\d{4}-(0[1-9]|1[0-2])$',
        description='YYYY-MM',
        examples=['2026-11'],
    ),
]


class ReportQuery(document.Query, frozen=True, kw_only=True):
    """A month, or from when to when; the month so far without both."""

    month: Month | None = None
    since: document.Moment | None = None
    until: document.Moment | None = None
    #: ``html`` is one page for people that loads nothing.
    format: Literal['json', 'csv', 'html'] = 'json'
    #: Which one, of CSV.
    table: Literal[
        'instances', 'timeline', 'worst', 'findings', 'caused', 'advice'
    ] = 'instances'
