# SPDX-License-Identifier: Apache-2.0
"""Ledger: who waited for whom, in core-µs."""

from kvm_insight.api.resource import document, party


class HostLedger(document.Document, frozen=True, kw_only=True):
    """The matrix of one host over some hours."""

    host: str
    since_us: int
    until_us: int
    #: Time for which there are samples; what was not measured is not known
    #: to be well.
    measured_us: int
    parties: list[party.Party]
    #: Numbers of victim and runner in ``parties``, and µs; the largest
    #: first.
    charges: list[tuple[int, int, int]]


class Line(document.Document, frozen=True, kw_only=True):
    """One account."""

    party: party.Party
    waited_us: int


class Now(document.Document, frozen=True, kw_only=True):
    """The row and the column of one instance in the last minutes."""

    since_us: int
    until_us: int
    #: For whom it waited, and who waited for it; the most first.
    suffered: list[Line]
    caused: list[Line]


class InstanceLedger(document.Document, frozen=True, kw_only=True):
    """The row and the column of one instance over some hours."""

    uuid: str
    since_us: int
    until_us: int
    measured_us: int
    #: All that it waited; what is in nobody's account is the difference.
    delay_us: int
    #: For whom it waited, and who waited for it; the most first.
    suffered: list[Line]
    caused: list[Line]
