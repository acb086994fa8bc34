# SPDX-License-Identifier: Apache-2.0
"""Mover: who can live-migrate an instance, Nova or libvirt."""

import dataclasses
from typing import Protocol

from kvm_insight import exception
from kvm_insight.cloud import settings as cloud_settings
from kvm_insight.feed import port
from kvm_insight.model import recommendation, sight


class Mover(Protocol):
    """Looks, begins, aborts; raises KvmInsightError when it cannot tell."""

    def look(self, move: recommendation.Move) -> sight.Sight:
        """Return where the instance is now and what moves it."""

    def begin(self, move: recommendation.Move) -> None:
        """Begin it; MoveDeclined when that cannot be as things are now.

        Another error does not say whether it was begun.
        """

    def abort(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> None:
        """Let it end where it began; MoveDeclined when that cannot be."""

    def stop_words(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> str:
        """Return the command with which an operator does the same."""

    def mend_words(self, move: recommendation.Move) -> str:
        """Return what may be left to do once it was aborted, or nothing."""

    def close(self) -> None:
        """Let go; never raises. What is under way goes on."""


def of(settings: port.Settings) -> Mover:
    """Return the one that is configured; ConfigError without one."""
    uri, cloud = settings.get('actuator_uri'), settings.get('cloud')
    if uri:
        if cloud is not None:
            raise exception.ConfigError(
                '[feed] actuator_uri and [cloud] are both set: instances of'
                ' Nova must be moved by Nova; unset actuator_uri'
            )
        return _through_libvirt(settings)
    if not isinstance(cloud, cloud_settings.Settings):
        raise exception.ConfigError(
            '[feed] active = actuator: neither [cloud] nor [feed]'
            ' actuator_uri is set: nobody is there who could move an instance'
        )
    from kvm_insight.cloud import migrating

    name = settings.get('actuator_cloud')
    if not name:
        return migrating.Migrating(cloud)
    mine = dataclasses.replace(cloud, cloud=str(name), auth_type=None, auth={})
    try:
        return migrating.Migrating(mine)
    except exception.ConfigError as why:
        raise exception.ConfigError(f'[feed] actuator_cloud: {why}') from why


def _through_libvirt(settings: port.Settings) -> Mover:
    try:
        from kvm_insight.feed import libvirt_actuator
    except ImportError as why:
        raise exception.ConfigError(
            f'[feed] actuator_uri: {why.name} is not installed: pip install'
            " 'kvm-insight[agent]'"
        ) from why
    return libvirt_actuator.Libvirt(settings)
