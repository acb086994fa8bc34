# SPDX-License-Identifier: Apache-2.0
"""A goal and a strategy for Watcher, which loads them by their entry points.

This file runs inside watcher-decision-engine: it needs Watcher and nothing
else. It turns the recommendations that stand into an action plan; whatever is
wrong with their file, the plan is empty and the log says why.
"""

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from typing import Any

from oslo_log import log
from watcher.decision_engine.goal import base as goal_base
from watcher.decision_engine.goal.efficacy import specs
from watcher.decision_engine.model import element
from watcher.decision_engine.strategy.strategies import base

LOG = log.getLogger(__name__)

NAME = 'kvm_insight'
_PATH = '/run/kvm-insight/recommendations.json'
_SCHEMA = 'kvm_insight.recommendations/1'
_LARGEST = 16 * 1024 * 1024


class ContentionRelief(goal_base.Goal):
    """That instances wait less for what their hosts have too little of."""

    @classmethod
    def get_name(cls) -> str:
        """Return the name of the entry point."""
        return NAME

    @classmethod
    def get_display_name(cls) -> str:
        """Return what people see."""
        return 'Contention relief'

    @classmethod
    def get_translatable_display_name(cls) -> str:
        """Return the same."""
        return 'Contention relief'

    @classmethod
    def get_efficacy_specification(cls) -> Any:
        """Return no indicators: kvm_insight measures the outcome itself."""
        return specs.Unclassified()


class KvmInsight(base.BaseStrategy):
    """Carry out what kvm_insight recommends.

    *Description*

    Reads the recommendations that kvm-insight-feed writes on this machine.
    Each of them is taken whole or not at all: when one of its instances is
    not where it was, or one of its hosts is not in use any more, it is left
    out, and so is one whose moves must come one after the other.

    *Requirements*

    kvm-insight-feed on the machines of watcher-decision-engine, with the feed
    watcher.
    """

    @classmethod
    def get_name(cls) -> str:
        """Return the name of the entry point."""
        return NAME

    @classmethod
    def get_display_name(cls) -> str:
        """Return what people see."""
        return 'kvm_insight'

    @classmethod
    def get_translatable_display_name(cls) -> str:
        """Return the same."""
        return 'kvm_insight'

    @classmethod
    def get_goal_name(cls) -> str:
        """Return our goal."""
        return NAME

    @classmethod
    def get_config_opts(cls) -> list[Any]:
        """Return nothing: no datasource is asked."""
        return []

    @classmethod
    def get_schema(cls) -> dict[str, Any]:
        """Return the audit's parameters."""
        return {
            'properties': {
                'path': {
                    'description': 'what kvm-insight-feed writes',
                    'type': 'string',
                    'default': _PATH,
                },
                'max_age_s': {
                    'description': 'an older file says nothing',
                    'type': 'integer',
                    'minimum': 1,
                    'default': 120,
                },
                'only_approved': {
                    'description': 'take only what somebody approved',
                    'type': 'boolean',
                    'default': False,
                },
            }
        }

    def pre_execute(self) -> None:
        """Nothing is needed before."""

    def do_execute(self, audit: Any = None) -> None:
        """Put the moves into the solution; never raises."""
        try:
            for one in self._recommended():
                self._take(one)
        except Exception:
            LOG.exception('kvm_insight: the rest is left out')

    def post_execute(self) -> None:
        """Nothing is to be worked out."""

    def _recommended(self) -> Iterator[Mapping[str, Any]]:
        path = self._parameter('path', _PATH)
        content, trouble = _read(path, self._parameter('max_age_s', 120))
        if trouble:
            LOG.warning('kvm_insight: %s: %s; no plan', path, trouble)
        for one in content:
            is_approved = one.get('state') == 'approved'
            if one['expires_us'] <= time.time() * 1e6:
                LOG.info('kvm_insight: %s has expired', one['id'])
            elif is_approved or not self._parameter('only_approved', False):
                yield one

    def _take(self, one: Mapping[str, Any]) -> None:
        """Take one whole, or say why not."""
        moves = one['moves']
        why = _order_matters(moves) or next(
            filter(None, map(self._refusal, moves)), None
        )
        if why:
            LOG.warning('kvm_insight: %s is left out: %s', one['id'], why)
            return
        for move in moves:
            instance = self.compute_model.get_instance_by_uuid(
                move['instance']
            )
            self.solution.add_action(
                action_type=self.MIGRATION,
                resource_id=move['instance'],
                input_parameters={
                    'migration_type': 'live',
                    'source_node': move['source'],
                    'destination_node': move['destination'],
                    'resource_name': instance.name or move['instance'],
                },
            )

    def _refusal(self, move: Mapping[str, Any]) -> str | None:
        """Return why a move cannot be carried out now."""
        model = self.compute_model
        try:
            instance = model.get_instance_by_uuid(move['instance'])
            source = model.get_node_by_instance_uuid(move['instance'])
            destination = model.get_node_by_name(move['destination'])
        except Exception as why:
            return f'{type(why).__name__} for {move["instance"]}'
        if source.hostname != move['source']:
            return f'{move["instance"]} is on {source.hostname} by now'
        if instance.state != element.InstanceState.ACTIVE.value:
            return f'{move["instance"]} is {instance.state}'
        if instance.watcher_exclude:
            return f'{move["instance"]} is not to be moved by Watcher'
        if (destination.status, destination.state) != (
            element.ServiceState.ENABLED.value,
            element.ServiceState.ONLINE.value,
        ):
            return f'{move["destination"]} is not in use'
        return None

    def _parameter(self, name: str, default: Any) -> Any:
        found = self.input_parameters.get(name)
        return default if found is None else found


def _order_matters(moves: list[Mapping[str, Any]]) -> str | None:
    """Return why the moves cannot run in any order, as Watcher's would."""
    sources = {one['source'] for one in moves}
    both = sources & {one['destination'] for one in moves}
    return f'{min(both)} must be left before it is filled' if both else None


def _read(
    path: str, max_age_s: int
) -> tuple[list[Mapping[str, Any]], str | None]:
    """Return the recommendations, and what is wrong with the file."""
    try:
        status = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return [], 'no file, or too large'
        with open(path, 'rb') as file:  # noqa: PTH123
            content = json.load(file)
        if content['schema'] != _SCHEMA:
            return [], f'does not say {_SCHEMA}'
        if abs(time.time() - content['written_us'] / 1e6) > max_age_s:
            return [], f'not written within {max_age_s} s'
        return list(content['recommendations']), None
    except OSError as why:
        return [], str(why.strerror)
    except Exception as why:
        return [], f'damaged ({type(why).__name__})'
