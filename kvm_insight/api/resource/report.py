# SPDX-License-Identifier: Apache-2.0
"""Reports: how a project's instances fared in a month."""

from typing import Annotated

import msgspec

from kvm_insight.api.resource import document


class ReportQuery(document.Query, frozen=True, kw_only=True):
    """A month, or from when to when; the month so far without both."""

    month: (
        Annotated[str, msgspec.Meta(pattern=r'^\d{4}-(0[1-9]|1[0-2])$')] | None
    ) = None
    since: document.Moment | None = None
    until: document.Moment | None = None
