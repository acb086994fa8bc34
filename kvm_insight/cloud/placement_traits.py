# SPDX-License-Identifier: Apache-2.0
"""Placement traits: one trait of ours on resource providers, and no other.

A provider's traits are written as a whole, with the generation at which they
were read. Whoever else wrote meanwhile wins: we read again and put ours to
what is there then, so nobody's write is lost.
"""

import random
import time
from collections.abc import Callable

import msgspec
import requests
from keystoneauth1 import adapter
from keystoneauth1 import exceptions as auth_exceptions

from kvm_insight import exception
from kvm_insight.cloud import client, connection, settings

TRAIT = 'CUSTOM_KVM_INSIGHT_HOT'
#: From here on providers can be asked for by trait, and errors have codes.
_VERSION = '1.23'
_TRIES = 50
_LONGEST_WAIT_S = 0.25

May = Callable[[], bool]


def connect(asked: settings.Settings) -> 'PlacementTraits':
    """Return it; ConfigError for what cannot be. Nobody is asked yet."""
    one = connection.connect(asked)
    way = client.way_to(one, 'placement', asked.requests_per_s)
    return PlacementTraits(way, one.close)


class _Holder(client.Wire, frozen=True, kw_only=True):
    uuid: str
    name: str | None = None


class _Holders(client.Wire, frozen=True, kw_only=True):
    resource_providers: list[_Holder]


class _Traits(client.Wire, frozen=True, kw_only=True):
    traits: list[str]
    resource_provider_generation: int


class PlacementTraits:
    """Who has our trait; gives it and takes it away."""

    def __init__(
        self, way: adapter.Adapter, close: Callable[[], None] | None = None
    ) -> None:
        """Ask this way, which ``close`` lets go of."""
        self._way = way
        self._close = close

    def holders(self) -> dict[str, str]:
        """Return the providers that have it -> their names."""
        known = self._ask('GET', f'/traits/{TRAIT}')
        if known.status_code == 404:
            return {}
        # Placement takes a trait that is not there for a broken question.
        _good(known)
        path = f'/resource_providers?required={TRAIT}'
        told = _good(self._ask('GET', path)).content
        found = client.decoded('placement', told, _Holders)
        return {one.uuid: one.name or '' for one in found.resource_providers}

    def create(self) -> None:
        """Let Placement know the trait."""
        _good(self._ask('PUT', f'/traits/{TRAIT}'))

    def give(self, provider: str, may: May) -> bool:
        """Give it to a provider; return False if that is gone.

        Raises LeaseLost when we may not, and CloudError.
        """
        return self._change(provider, may, present=True)

    def take(self, provider: str, may: May) -> bool:
        """Take it away from a provider, likewise."""
        return self._change(provider, may, present=False)

    def close(self) -> None:
        """Let go; never raises."""
        if self._close is not None:
            self._close()

    def _change(self, provider: str, may: May, *, present: bool) -> bool:
        path = f'/resource_providers/{provider}/traits'
        for number in range(_TRIES):
            told = self._ask('GET', path)
            if told.status_code == 404:
                return False
            now = client.decoded('placement', _good(told).content, _Traits)
            before = set(now.traits)
            if (TRAIT in before) == present:
                return True
            after = before | {TRAIT} if present else before - {TRAIT}
            if not may():
                raise exception.LeaseLost
            wanted = msgspec.structs.replace(now, traits=sorted(after))
            answer = self._ask('PUT', path, msgspec.to_builtins(wanted))
            if answer.status_code == 404:
                return False
            if answer.status_code != 409:
                _good(answer)
                return True
            # Whoever else is at it must not meet us in step.
            most_s = min(_LONGEST_WAIT_S, 0.002 * 2**number)
            time.sleep(random.uniform(0, most_s))  # noqa: S311
        raise exception.CloudUnavailable(
            f'Placement: others changed {path} each of {_TRIES} times'
        )

    def _ask(
        self, method: str, path: str, body: object = None
    ) -> requests.Response:
        """Return any answer; raise CloudUnavailable or CloudRefused.

        What the libraries say is left out: it may have what is secret.
        """
        more = {} if body is None else {'json': body}
        try:
            answer: requests.Response = self._way.request(
                path, method, microversion=_VERSION, raise_exc=False, **more
            )
        except (
            auth_exceptions.Unauthorized,
            auth_exceptions.Forbidden,
            auth_exceptions.CatalogException,
        ) as why:
            raise exception.CloudRefused(
                f'Placement: {type(why).__name__}; see [cloud]'
            ) from None
        except (
            auth_exceptions.ClientException,
            requests.RequestException,
            OSError,
        ) as why:
            raise exception.CloudUnavailable(
                f'Placement: {type(why).__name__}'
            ) from None
        return answer


def _good(answer: requests.Response) -> requests.Response:
    code = answer.status_code
    if answer.ok:
        return answer
    path = answer.request.path_url.partition('?')[0]
    words = f'Placement answers {code} for {path}'
    if code == 401:
        raise exception.CloudRefused(f'{words}; see the identity in [cloud]')
    if code == 403:
        raise exception.CloudRefused(
            f'{words}; its role may not: see placement-marks.yaml of the'
            ' policy files that come with kvm_insight'
        )
    raise exception.CloudUnavailable(words)
