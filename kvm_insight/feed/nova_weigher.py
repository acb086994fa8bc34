# SPDX-License-Identifier: Apache-2.0
"""A weigher and a filter for Nova's scheduler, which loads them by name.

This file runs inside nova-scheduler: it needs Nova and nothing else, and
whatever is wrong with the snapshot, Nova schedules as without it. The
snapshot is read once per request, and only when it is another one.
"""

import json
import logging
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import nova.conf
from nova.scheduler import filters, utils, weights
from oslo_config import cfg

LOG = logging.getLogger(__name__)

GROUP = 'kvm_insight'
MULTIPLIER = 'kvm_insight_weight_multiplier'
OPTIONS = [
    cfg.StrOpt(
        'snapshot_path',
        default='/run/kvm-insight/nova.json',
        help='What kvm-insight-feed writes on this machine. Change it with '
        '[feed] snapshot_path there.',
    ),
    cfg.IntOpt(
        'max_age_s',
        default=120,
        min=1,
        help='A snapshot that is older says nothing: all hosts are weighed '
        'alike and none is filtered. Raise it with [feed] write_every_s.',
    ),
    cfg.FloatOpt(
        'weight_multiplier',
        default=10.0,
        min=0.0,
        help='What the heat of a host, from 0 to 1, is multiplied with before '
        "it is taken off its weight. Nova's own weighers have 1.0 each; lower "
        'it to let them count more. An aggregate may have its own in its '
        f'metadata, as {MULTIPLIER}.',
    ),
]
CONF = nova.conf.CONF
CONF.register_opts(OPTIONS, group=GROUP)

_SCHEMA = 'kvm_insight.snapshot/1'
#: A thousand hosts have 60 kB.
_LARGEST = 16 * 1024 * 1024

#: Host -> its heat, and whether it is marked.
Hosts = Mapping[str, tuple[float, bool]]
_NOBODY: Hosts = {}


class _Broken(Exception):
    """The snapshot cannot be used; says why."""


class Snapshot:
    """The newest snapshot, as long as it is not too old."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._key: object = None
        self._written_us = 0
        self._hosts = _NOBODY
        #: Why the file that was read last is of no use.
        self._broken: str | None = None
        self._trouble: str | None = None

    def hosts(self) -> Hosts:
        """Return the hosts that are hot; none if that is not known."""
        try:
            found, trouble = self._read(), None
        except _Broken as why:
            found, trouble = _NOBODY, str(why)
        except Exception as why:
            found, trouble = _NOBODY, f'the snapshot: {type(why).__name__}'
        if trouble != self._trouble:
            self._trouble = trouble
            if trouble is not None:
                LOG.warning('kvm_insight: %s; scheduling without it', trouble)
            else:
                LOG.warning('kvm_insight: the snapshot is back')
        return found

    def _read(self) -> Hosts:
        group = CONF[GROUP]
        path = group.snapshot_path
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as why:
            raise _Broken(f'{path}: {why.strerror}') from why
        key = (path, status.st_mtime_ns, status.st_size, status.st_ino)
        if key != self._key:
            # What cannot be used is read again only when it has changed.
            self._load(path, status)
            self._key = key
        if self._broken is not None:
            raise _Broken(f'{path}: {self._broken}')
        if abs(time.time() - self._written_us / 1e6) > group.max_age_s:
            raise _Broken(f'{path}: not written within {group.max_age_s} s')
        return self._hosts

    def _load(self, path: str, status: os.stat_result) -> None:
        try:
            self._written_us, self._hosts = _parsed(path, status)
            self._broken = None
        except _Broken as why:
            self._broken = str(why)
        except OSError as why:
            # It may be readable the next time without any other change.
            raise _Broken(f'{path}: {why.strerror}') from why
        except Exception as why:
            self._broken = f'damaged ({type(why).__name__})'


def _parsed(path: str, status: os.stat_result) -> tuple[int, Hosts]:
    """Return when it was written, and its hosts."""
    if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
        raise _Broken(f'not a file of less than {_LARGEST} bytes')
    with open(path, 'rb') as file:  # noqa: PTH123
        content = json.loads(file.read(_LARGEST))
    if not isinstance(content, dict) or content.get('schema') != _SCHEMA:
        raise _Broken(f'does not say {_SCHEMA}')
    hosts = {
        str(name): (
            min(1.0, max(0.0, float(one['heat']))),
            one['marked'] is True,
        )
        for name, one in content['hosts'].items()
    }
    return int(content['written_us']), hosts


SNAPSHOT = Snapshot()


class HotHostWeigher(weights.BaseHostWeigher):
    """Takes a host's heat off its weight; a marked host is hottest."""

    # A fixed scale: a little heat weighs little, also where nobody has more.
    minval = -1.0
    maxval = 0.0

    #: Of the options, as it was at the beginning of the request.
    _own = 0.0

    def weight_multiplier(self, host_state: Any) -> float:
        """Return the aggregate's multiplier, or that of the options."""
        try:
            # Nova's own way takes long for a thousand hosts; few need it.
            for one in host_state.aggregates:
                if MULTIPLIER in one.metadata:
                    return float(
                        utils.get_weight_multiplier(
                            host_state, MULTIPLIER, self._own
                        )
                    )
        except Exception:
            return 0.0
        return self._own

    def weigh_objects(
        self, weighed_obj_list: Sequence[Any], weight_properties: Any
    ) -> list[float]:
        """Return the weights of all hosts of one request."""
        hosts = SNAPSHOT.hosts()
        self._own = _multiplier()
        return [_weight(one.obj, hosts) for one in weighed_obj_list]

    def _weigh_object(self, host_state: Any, weight_properties: Any) -> float:
        return _weight(host_state, SNAPSHOT.hosts())


class HotHostFilter(filters.BaseHostFilter):
    """Refuses marked hosts, unless no other host is left."""

    RUN_ON_REBUILD = False

    def filter_all(
        self, filter_obj_list: Iterable[Any], spec_obj: Any
    ) -> Iterator[Any]:
        """Return the hosts that are not marked; all if all of them are."""
        candidates = list(filter_obj_list)
        hosts = SNAPSHOT.hosts()
        free = [one for one in candidates if not _is_marked(one, hosts)]
        return iter(free or candidates)

    def host_passes(self, host_state: Any, filter_properties: Any) -> bool:
        """Say whether a host is not marked."""
        return not _is_marked(host_state, SNAPSHOT.hosts())


def _multiplier() -> float:
    try:
        return float(CONF[GROUP].weight_multiplier)
    except Exception:
        # An option that cannot be read: as without us.
        return 0.0


def _weight(host_state: Any, hosts: Hosts) -> float:
    found = hosts.get(getattr(host_state, 'host', ''))
    if found is None:
        return 0.0
    heat, is_marked = found
    return -1.0 if is_marked else -heat


def _is_marked(host_state: Any, hosts: Hosts) -> bool:
    found = hosts.get(getattr(host_state, 'host', ''))
    return found is not None and found[1]
