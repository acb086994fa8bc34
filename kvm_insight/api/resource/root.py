# SPDX-License-Identifier: Apache-2.0
"""Root: which versions there are, and who may ask."""

from typing import Literal

from kvm_insight.api.resource import document


class Version(document.Document, frozen=True, kw_only=True):
    """One version, as clients of OpenStack look for it."""

    id: str
    status: Literal['CURRENT']
    min_version: str
    max_version: str
    links: list[document.Link]


class Versions(document.Document, frozen=True, kw_only=True):
    """All of them."""

    versions: list[Version]


class OneVersion(document.Document, frozen=True, kw_only=True):
    """The one that is meant."""

    version: Version
