# SPDX-License-Identifier: Apache-2.0
"""Microversions: what the asker understands, and what is answered.

``OpenStack-API-Version: insight 1.N`` asks for one, without it the least one
is meant. What a version brought is in ``doc/source/api.md``.
"""

import dataclasses
from collections.abc import MutableMapping

import microversion_parse

from kvm_insight.api import problem

SERVICE = 'insight'
HEADER = 'OpenStack-API-Version'


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Version:
    """One version."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f'{self.major}.{self.minor}'


LEAST = Version(1, 0)
NEWEST = Version(1, 0)


def asked(headers: MutableMapping[str, str]) -> Version:
    """Return the version that a request asks for; raise Problem (406, or
    400 for what is no version)."""
    try:
        text = microversion_parse.get_version(headers, SERVICE)
        if text is None:
            return LEAST
        if text == 'latest':
            return NEWEST
        found = microversion_parse.parse_version_string(text)
    except TypeError:
        raise problem.Problem(
            400,
            problem.BAD_REQUEST,
            f'{HEADER}: give {SERVICE} {NEWEST}, or {SERVICE} latest.',
        ) from None
    one = Version(found.major, found.minor)
    if not LEAST <= one <= NEWEST:
        raise problem.Problem(
            406,
            problem.BAD_VERSION,
            f'{HEADER}: from {SERVICE} {LEAST} to {SERVICE} {NEWEST}.',
        )
    return one
