# SPDX-License-Identifier: Apache-2.0
"""Runs collectors side by side: what one lacks or breaks, it breaks alone."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from kvm_insight import exception
from kvm_insight.model import sample

LOG = logging.getLogger(__name__)

Value = TypeVar('Value')


class Board:
    """How the collectors of one host fare, interval by interval.

    A collector that runs for each domain is one line here: its durations
    add up, and it lacks something only where no domain had it.
    """

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._clock = clock
        self._duration_ns: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._lacking: dict[str, str] = {}
        self._had: set[str] = set()
        self._told: dict[str, str] = {}

    def run(self, name: str, read: Callable[[], Value | None]) -> Value | None:
        """Return what ``read`` returns; None if it lacks it or broke."""
        began = self._clock()
        try:
            value = read()
        except exception.NoData as why:
            self._lacking[name] = str(why)
            return None
        except exception.CollectorError as why:
            self._errors[name] = str(why)
            LOG.warning('collector %s: %s', name, why)
            return None
        except Exception as why:
            self._errors[name] = f'{type(why).__name__}: {why}'
            LOG.exception('collector %s broke', name)
            return None
        finally:
            spent = self._clock() - began
            self._duration_ns[name] = self._duration_ns.get(name, 0) + spent
        if value is not None:
            self._had.add(name)
        return value

    def lack(self, name: str, reason: str) -> None:
        """Note that this host cannot tell this, and why."""
        self._lacking[name] = reason

    @property
    def missing(self) -> dict[str, str]:
        """Return what this host cannot tell in this interval, and why."""
        return {
            name: reason
            for name, reason in sorted(self._lacking.items())
            if name not in self._had
        }

    def take(self) -> tuple[list[sample.Collector], dict[str, str]]:
        """Return the interval's account and what is missing; begin anew."""
        missing = self.missing
        for name, reason in missing.items():
            if self._told.get(name) != reason:
                LOG.debug('%s: %s', name, reason)
        self._told |= missing
        account = [
            sample.Collector(
                name=name,
                duration_us=duration_ns // 1000,
                success=name not in self._errors,
                error=self._errors.get(name, '')[:1024] or None,
            )
            for name, duration_ns in sorted(self._duration_ns.items())
        ]
        self._duration_ns = {}
        self._errors = {}
        self._lacking = {}
        self._had = set()
        return account, missing
