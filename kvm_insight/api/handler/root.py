# SPDX-License-Identifier: Apache-2.0
"""Root: which versions there are; needs no token."""

from kvm_insight.api import version
from kvm_insight.api.resource import document, root


def versions() -> root.Versions:
    """Return all versions."""
    return root.Versions(versions=[_current()])


def one() -> root.OneVersion:
    """Return this version."""
    return root.OneVersion(version=_current())


def _current() -> root.Version:
    return root.Version(
        id='v1',
        status='CURRENT',
        min_version=str(version.LEAST),
        max_version=str(version.NEWEST),
        links=[document.Link(rel='self', href='/v1/')],
    )
