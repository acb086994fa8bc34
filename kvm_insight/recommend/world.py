# SPDX-License-Identifier: Apache-2.0
"""World: the newest of all that a planner reads; records in, nothing out."""

from kvm_insight.model import (
    codec,
    configuration,
    control,
    execution,
    fence,
    finding,
    host_report,
    inventory,
    mark,
    recommendation,
    usage,
)
from kvm_insight.recommend import advice, losses, standing
from kvm_insight.recommend import history as histories

#: What ended is kept so long: the guards look back a day.
_KEPT_US = 2 * 24 * 3600 * 1_000_000


class World:
    """All hosts, findings, orders and recommendations."""

    def __init__(self, history_hours: int) -> None:
        """Keep so many hours of use."""
        self.reports: dict[str, host_report.HostReport] = {}
        self.history = histories.History(history_hours)
        self.host_hours = advice.HostHours(history_hours)
        self.losses = losses.Losses()
        self.findings: dict[str, finding.Finding] = {}
        self.said: dict[str, control.Order] = {}
        self.known: dict[str, recommendation.Recommendation] = {}
        self.facts: dict[str, inventory.Facts] = {}
        #: The greatest generation that any planner spoke in.
        self.generation = 0

    @property
    def planned_us(self) -> int:
        """Return when the last plan was made that was told to its end."""
        status = self.facts.get('planner')
        if not isinstance(status, inventory.PlannerStatus):
            return 0
        return status.planned_us or 0

    @property
    def marks(self) -> mark.Marks | None:
        """Return the marks that were told last."""
        found = self.facts.get('marks')
        return found if isinstance(found, mark.Marks) else None

    @property
    def outlooks(self) -> dict[str, inventory.Outlook]:
        """Return host -> what was told of it last."""
        return {
            one.host: one
            for one in self.facts.values()
            if isinstance(one, inventory.Outlook)
        }

    @property
    def executions(self) -> dict[str, execution.Execution]:
        """Return recommendation id -> how far the actuator has come."""
        return {
            one.recommendation: one
            for one in self.facts.values()
            if isinstance(one, execution.Execution)
        }

    # Each may raise CodecError; ``None`` is a key that was deleted.

    def take_report(self, key: str, value: bytes | None) -> None:
        """Take a host's report."""
        if value is None:
            self.reports.pop(key, None)
            return
        new = codec.decode(value, host_report.HostReport)
        before = self.reports.get(new.host)
        if before is None or before.time_us <= new.time_us:
            self.reports[new.host] = new
            self.losses.take(new)

    def take_usage(self, key: str, value: bytes | None) -> None:
        """Take a host's hour."""
        if value is not None:
            hour = codec.decode(value, usage.HostUsage)
            self.history.take(hour)
            self.host_hours.take(hour)

    def take_finding(self, key: str, value: bytes | None) -> None:
        """Take a finding."""
        if value is None:
            self.findings.pop(key, None)
            return
        if codec.schema_of(value) == configuration.SCHEMA:
            # Nobody is moved because of how something is set up.
            return
        new = codec.decode(value, finding.Finding)
        self.findings[new.id] = new

    def take_order(self, key: str, value: bytes | None) -> None:
        """Take what somebody said; it holds under the key that it came
        with, and deleting that takes it back."""
        if value is None:
            self.said.pop(key, None)
        else:
            self.said[key] = codec.decode(value, control.Order)

    def take_recommendation(self, key: str, value: bytes | None) -> None:
        """Take what a planner said, unless it has a successor."""
        if value is None:
            self.known.pop(key, None)
            return
        new = codec.decode(value, recommendation.Recommendation)
        if fence.admits(self.generation, new):
            self.generation = new.generation
            self.known[new.id] = new

    def take_facts(self, key: str, value: bytes | None) -> None:
        """Take what a planner published of the cloud."""
        if value is None:
            self.facts.pop(key, None)
            return
        kind = inventory.KINDS.get(codec.schema_of(value))
        if kind is None:
            return
        new = codec.decode(value, kind)
        before = self.facts.get(key)
        if isinstance(new, execution.Execution):
            # Each for itself: an old one is all that tells of what is
            # under way, whoever has spoken since.
            if isinstance(before, execution.Execution) and not fence.admits(
                before.generation, new
            ):
                return
        elif isinstance(new, inventory.PlannerStatus | mark.Marks):
            if not fence.admits(self.generation, new):
                return
            self.generation = new.generation
        self.facts[key] = new

    def forget(self, now_us: int) -> None:
        """Let go of what ended long ago."""
        oldest_us = now_us - _KEPT_US
        self.findings = {
            name: one
            for name, one in self.findings.items()
            if one.updated_us >= oldest_us
        }
        self.known = {
            name: one
            for name, one in self.known.items()
            if standing.is_open(one) or one.expires_us >= oldest_us
        }
        self.reports = {
            name: one
            for name, one in self.reports.items()
            if one.time_us >= oldest_us
        }
