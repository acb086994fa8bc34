# SPDX-License-Identifier: Apache-2.0
"""Names: what a cloud calls those in a record now, beside what domains say.

A domain's metadata is written when it starts; a new name, and where its host
belongs, is told by a planner on ``inventory``. Only words are changed by it:
verdicts and ids are the same without.
"""

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from kvm_insight.detect import words
from kvm_insight.model import codec, finding, host_report, inventory, usage

_replace = msgspec.structs.replace

_Record = TypeVar('_Record', bound=usage.HostUsage | host_report.HostReport)
_Instance = TypeVar('_Instance', bound=usage.Instance | host_report.Instance)


class _Told(NamedTuple):
    """In which words a host's open findings were told last."""

    edition: int
    #: Finding's id -> whom and which places it names.
    words: dict[str, object]


class Names:
    """Holds what was told last."""

    def __init__(self) -> None:
        self._hosts: dict[str, inventory.HostFacts] = {}
        self._projects: dict[str, str] = {}
        self._users: dict[str, str] = {}
        self._groups: dict[str, inventory.GroupFacts] = {}
        #: UUID -> the key of its server group.
        self._group_of: dict[str, str] = {}
        #: Another one whenever anything has another name.
        self._edition = 0
        self._told: dict[str, _Told] = {}

    @staticmethod
    def wants(key: str | None) -> bool:
        """Say whether a record tells of names, or of what is usual."""
        return inventory.tells_of_cohorts(key) or inventory.tells_names(key)

    def take(self, key: str | None, value: bytes | None) -> None:
        """Take a record of the inventory; raise CodecError for a broken one.

        What tells no names is passed over.
        """
        if key is None or not inventory.tells_names(key):
            return
        self._edition += 1
        if value is None:
            self._hosts.pop(key, None)
            self._projects.pop(key, None)
            self._users.pop(key, None)
            self._leave(key)
            self._groups.pop(key, None)
            return
        kind = inventory.KINDS.get(codec.schema_of(value))
        if kind is not None:
            self._keep(key, codec.decode(value, kind))

    def _keep(self, key: str, one: inventory.Facts) -> None:
        match one:
            case inventory.HostFacts():
                self._hosts[key] = one
            case inventory.ProjectFacts() if one.name is not None:
                self._projects[key] = one.name
            case inventory.UserFacts() if one.name is not None:
                self._users[key] = one.name
            case inventory.GroupFacts():
                self._leave(key)
                self._groups[key] = one
                self._group_of |= dict.fromkeys(one.members, key)

    def _leave(self, key: str) -> None:
        """Let go of who was in a server group."""
        before = self._groups.get(key)
        for uuid in before.members if before is not None else ():
            if self._group_of.get(uuid) == key:
                del self._group_of[uuid]

    def told(
        self,
        host: str,
        found: Sequence[finding.Finding],
        standing: Iterable[finding.Finding],
    ) -> list[finding.Finding]:
        """Return what there is to tell of a host in the words of now: what
        was found, and of those that stand the ones told in other words."""
        news = [self.named(one) for one in found]
        before = self._told.get(host)
        edition = before.edition if before is not None else 0
        if not news and edition == self._edition:
            return news
        said = before.words if before is not None else {}
        fresh = {one.id: one for one in news}
        now = {
            one.id: fresh.get(one.id) or self.named(one) for one in standing
        }
        words = {name: _words(one) for name, one in now.items()}
        if edition != self._edition:
            news += [
                _replace(one, state='update')
                for name, one in now.items()
                if name not in fresh and said.get(name) != words[name]
            ]
        self._told[host] = _Told(self._edition, words)
        return news

    def named(self, found: finding.Finding) -> finding.Finding:
        """Return a finding in the words of now."""
        host = self._hosts.get(f'host/{found.host}')
        parties = [found.victim, *(one.party for one in found.aggressors)]
        pairs = [(one, self._party(one, host)) for one in parties]
        if host is None and all(old == new for old, new in pairs):
            return found
        summary = _renamed(
            found.summary,
            {words.party(old): words.party(new) for old, new in pairs},
        )
        victim, *others = (new for _, new in pairs)
        aggressors = [
            _replace(one, party=party)
            for one, party in zip(found.aggressors, others, strict=True)
        ]
        return _replace(
            found,
            victim=victim,
            aggressors=aggressors,
            summary=summary[:4096],
            availability_zone=host.availability_zone if host else None,
            aggregates=host.aggregates if host else [],
        )

    def labelled(self, record: _Record) -> _Record:
        """Return an hour or a report of a host with the names of now; what
        is not known stays as it is."""
        host = self._hosts.get(f'host/{record.host}')
        called = host.instances if host is not None else {}
        changes: dict[str, object] = {}
        instances = [self._instance(one, called) for one in record.instances]
        if any(map(operator.is_not, instances, record.instances)):
            changes['instances'] = instances
        if host is not None and host.availability_zone is not None:
            changes['availability_zone'] = host.availability_zone
        if host is not None and host.aggregates:
            changes['aggregates'] = host.aggregates
        return _replace(record, **changes) if changes else record

    def _instance(
        self, one: _Instance, called: Mapping[str, str]
    ) -> _Instance:
        name = called.get(one.uuid, one.instance_name)
        project = self._projects.get(
            f'project/{one.project_id}', one.project_name
        )
        group = self._group(one.uuid)
        known = one.instance_name, one.project_name, one.server_group
        if known == (name, project, group):
            return one
        return _replace(
            one, instance_name=name, project_name=project, server_group=group
        )

    def _group(self, uuid: str) -> str | None:
        group = self._groups.get(self._group_of.get(uuid, ''))
        return (group.name or group.group) if group is not None else None

    def _party(
        self, one: finding.Party, host: inventory.HostFacts | None
    ) -> finding.Party:
        if one.uuid is None:
            return one
        names = host.instances if host is not None else {}
        return _replace(
            one,
            instance_name=names.get(one.uuid, one.instance_name),
            project_name=self._projects.get(
                f'project/{one.project_id}', one.project_name
            ),
            user_name=self._users.get(f'user/{one.user_id}', one.user_name),
            server_group=self._group(one.uuid),
        )


def _words(one: finding.Finding) -> object:
    parties = one.victim, *(each.party for each in one.aggressors)
    return parties, one.availability_zone, tuple(one.aggregates)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text with all names replaced at once, the longest first: one
    may be a part of another, or what another one is called now."""
    longest = sorted(names, key=len, reverse=True)
    pattern = rf'(?<!\w)(?:{"|".join(map(re.escape, longest))})(?!\w)'
    return re.sub(pattern, lambda found: names[found[0]], text)
