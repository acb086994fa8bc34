# SPDX-License-Identifier: Apache-2.0
"""Configuration: what holds a host or a domain back by how it is set up.

A check (``advise``) found it; why that costs something, what to do and when
not to is with the check, by its id, and not in each record.
"""

from typing import Annotated, Literal

import msgspec

from kvm_insight.model import finding, sample

SCHEMA = 'kvm_insight.configuration/1'
ADVICE = 'kvm_insight.advice/1'

Severity = Literal['high', 'medium', 'low']
#: It is as it should be; the domain left; there is no such check any more.
Reason = Literal['mended', 'gone', 'dropped']
Words = Annotated[str, msgspec.Meta(max_length=4096)]


class Evidence(sample.Wire, frozen=True, kw_only=True):
    """One value that was read."""

    #: A file or an XML node.
    where: sample.Text
    value: sample.Text


class Finding(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One thing that is set up badly; on ``findings``, by its id.

    The id is made of host, check and domain: it opens again under the same
    one. Times are those of the ``host-config`` records that said so.
    """

    id: sample.Text
    state: Literal['open', 'closed']
    host: sample.Text
    #: As in the reference of checks.
    check: sample.Text
    #: Whose configuration it is; None is the host's.
    party: finding.Party | None = None
    severity: Severity
    #: What is wrong, with what was read. Of a domain's, too, it may say how
    #: the host is: it is for operators.
    what: Words
    evidence: list[Evidence]
    opened_us: sample.Count
    updated_us: sample.Count
    closed_us: sample.Count | None = None
    closed_reason: Reason | None = None


class Advice(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=ADVICE
):
    """All that is open of one host; on ``advice``, by the host.

    Written before the findings that follow from it: ``told`` are the ids of
    those in ``open`` that are said next, ``closed`` are said next, too.
    Whoever takes the host over says both again, since nobody knows whether
    they were said.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    #: Of the newest ``host-config`` that is in it.
    time_us: sample.Count
    #: Of the record after that.
    offset: sample.Count
    open: list[Finding] = []
    told: list[sample.Text] = []
    closed: list[Finding] = []
