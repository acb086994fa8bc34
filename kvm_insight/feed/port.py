# SPDX-License-Identifier: Apache-2.0
"""What a feed is; ``kvm_insight.feeds`` has the ones that are installed."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from kvm_insight import exception
from kvm_insight.cloud import settings as cloud_settings
from kvm_insight.model import control, execution, mark, recommendation
from kvm_insight.recommend import heat


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """What there is to be fed, as it stands at one instant."""

    generation: int
    time_us: int
    #: None as long as nobody has decided.
    marks: mark.Marks | None = None
    #: Of the hosts whose report is fresh.
    heats: Mapping[str, heat.Heat] = dataclasses.field(default_factory=dict)
    #: Those that are neither carried out nor given up.
    standing: Sequence[recommendation.Recommendation] = ()
    #: Those that are new or have changed since it was told last.
    changed: Sequence[recommendation.Recommendation] = ()
    #: All that people have said.
    orders: Sequence[control.Order] = ()
    #: Recommendation id -> how far the actuator has come with it.
    executions: Mapping[str, execution.Execution] = dataclasses.field(
        default_factory=dict
    )
    #: Feeds that were told to be off.
    off: frozenset[str] = frozenset()


#: Says whether the caller may still act; asked before each write.
May = Callable[[], bool]


class Feed(Protocol):
    """One who acts on it, or tells another one."""

    @property
    def runs_in(self) -> str:
        """Return ``planner``, under its lease, or ``feeder``, which runs
        beside each scheduler."""

    @property
    def newest_only(self) -> bool:
        """Say that only what stands counts, not how it came to be so."""

    def would(self, told: Told) -> Iterable[str]:
        """Yield what it would write, in words; writes nothing."""

    def write(self, told: Told, may: May) -> None:
        """Write it; may be called again with the same.

        Raises FeedError when it should be tried again, LeaseLost when that is
        not ours to do any more.
        """

    def clear(self, may: May) -> list[str]:
        """Take back all that any of us ever wrote; return it in words.

        Raises as ``write`` does.
        """

    def close(self) -> None:
        """Let go; never raises."""


@runtime_checkable
class Lasting(Protocol):
    """A feed whose work lasts longer than one call."""

    @property
    def again_s(self) -> float | None:
        """Return after how long ``write`` is to be called again, with the
        same if there is nothing newer; None as long as nothing is begun."""


#: Publishes a record of a topic that has our prefix: name, key, value.
#: Raises FeedError.
Publish = Callable[[str, str, bytes], None]
Settings = Mapping[str, object]


def cloud_of(settings: Settings, option: str) -> cloud_settings.Settings:
    """Return the cloud, which an option of [feed] needs; ConfigError without
    one."""
    cloud = settings.get('cloud')
    if not isinstance(cloud, cloud_settings.Settings):
        raise exception.ConfigError(
            f'[feed] {option}: [cloud] is not set; name a cloud, or auth_url'
        )
    return cloud


class Factory(Protocol):
    """What stevedore's ``kvm_insight.feeds`` loads."""

    def __call__(self, settings: Settings, publish: Publish) -> Feed:
        """Return the feed; raise ConfigError for what cannot work.

        Connects to nothing yet.
        """
