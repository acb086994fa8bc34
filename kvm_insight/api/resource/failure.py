# SPDX-License-Identifier: Apache-2.0
"""Failure: why something was not done, as Placement says it."""

from kvm_insight.api.resource import document


class Failure(document.Document, frozen=True, kw_only=True):
    """One reason."""

    status: int
    #: For programs; once given, never changed.
    code: str
    title: str
    #: For people.
    detail: str
    request_id: str


class Failures(document.Document, frozen=True, kw_only=True):
    """All of them; one, as a rule."""

    errors: list[Failure]
