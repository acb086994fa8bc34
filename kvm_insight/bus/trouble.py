# SPDX-License-Identifier: Apache-2.0
"""Trouble: whether the bus is away, said once and taken back once."""

import logging

from kvm_insight import exception

LOG = logging.getLogger(__name__)


class Trouble:
    """One service's; its loop tells, any thread may look."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._why: str | None = None
        self._ever = False

    @property
    def is_over(self) -> bool:
        """Say whether the bus was there when it was last needed."""
        return self._ever and self._why is None

    def begin(self, why: exception.BusUnavailable) -> None:
        """Say what is the matter, unless that was said."""
        if self._why is None:
            LOG.warning('bus: %s; trying again', why)
        self._why = str(why)

    def end(self) -> None:
        """Say that it is back, if it was away."""
        if self._why is not None:
            LOG.warning('bus: back')
        self._why, self._ever = None, True
