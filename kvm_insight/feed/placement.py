# SPDX-License-Identifier: Apache-2.0
"""Placement: marked hosts have the trait ``CUSTOM_KVM_INSIGHT_HOT``.

What is there is read each time, so that a trait that somebody removed or that
another planner left behind is put right. Traits go before others come: at no
instant are more hosts marked than may be.
"""

import logging
from collections.abc import Iterator

from kvm_insight.cloud import placement_traits
from kvm_insight.feed import port

LOG = logging.getLogger(__name__)

_TRAIT = placement_traits.TRAIT


class Placement:
    """The feed ``placement``."""

    newest_only = True
    runs_in = 'planner'

    def __init__(
        self,
        settings: port.Settings,
        publish: port.Publish,
        traits: placement_traits.PlacementTraits | None = None,
    ) -> None:
        """Use the cloud of the settings, unless ``traits`` is given."""
        if traits is None:
            cloud = port.cloud_of(settings, 'active = placement')
            traits = placement_traits.connect(cloud)
        self._traits = traits

    def would(self, told: port.Told) -> Iterator[str]:
        """Yield each trait that would come or go."""
        come, go = self._changes(told)
        for name in sorted(go.values()):
            yield f'remove {_TRAIT} from {name}'
        for name in sorted(come.values()):
            yield f'add {_TRAIT} to {name}'
        if not come and not go:
            yield 'nothing is to be changed'

    def write(self, told: port.Told, may: port.May) -> None:
        """Let the marked hosts have the trait, and nobody else."""
        # Also where nobody is marked yet: a flavor that forbids a trait of
        # which Placement does not know finds no valid host.
        self._traits.create()
        come, go = self._changes(told)
        for provider, name in go.items():
            self._traits.take(provider, may)
            LOG.info('removed %s from %s', _TRAIT, name)
        for provider, name in come.items():
            if self._traits.give(provider, may):
                LOG.info('added %s to %s', _TRAIT, name)
            else:
                LOG.warning('%s: Placement has no provider %s', name, provider)

    def clear(self, may: port.May) -> list[str]:
        """Remove the trait from all providers, whoever put it there.

        Its name stays known to Placement: without it, no instance could be
        placed whose flavor forbids it.
        """
        found = self._traits.holders()
        for provider in found:
            self._traits.take(provider, may)
        return [
            f'removed {_TRAIT} from {name or provider}'
            for provider, name in sorted(found.items())
        ]

    def close(self) -> None:
        """Let go of the connection."""
        self._traits.close()

    def _changes(
        self, told: port.Told
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Return the providers that should get the trait, and lose it."""
        if told.marks is None:
            return {}, {}
        wanted = {
            one.provider: one.host
            for one in told.marks.hosts
            if one.provider is not None
        }
        present = self._traits.holders()
        return (
            {one: wanted[one] for one in wanted if one not in present},
            {one: present[one] for one in present if one not in wanted},
        )
