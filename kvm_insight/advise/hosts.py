# SPDX-License-Identifier: Apache-2.0
"""Hosts: what is open of those that share one partition of ``host-config``.

A function of the topics alone: whoever takes over begins with the newest
``advice`` of each host, and the same records make the same findings.
"""

from collections.abc import Iterator

import msgspec

from kvm_insight import exception
from kvm_insight.advise import answer, registry, turn
from kvm_insight.model import codec, configuration, host_config


class Hosts:
    """Takes records in order; each host is judged by its newest one."""

    def __init__(self) -> None:
        """Know of no host."""
        self._known: dict[str, configuration.Advice] = {}
        self._fresh: dict[str, list[configuration.Finding]] = {}
        self._checks = {one.id for one in registry.HOST}
        self._checks |= {one.id for one in registry.DOMAIN}

    def restore(self, kept: configuration.Advice, end: int) -> None:
        """Take one host over. ``end`` is where its partition ends: a topic
        that was made anew has records again that were never judged."""
        offset = 0 if kept.offset > end else kept.offset
        self._known[kept.host] = msgspec.structs.replace(kept, offset=offset)

    def untold(self) -> list[configuration.Finding]:
        """Return what the one before may not have come to say."""
        found = []
        for one in self._known.values():
            told = {*one.told}
            found += one.closed
            found += [each for each in one.open if each.id in told]
        return found

    def consume(self, offset: int, key: str | None, value: bytes) -> None:
        """Judge a host by what it tells; CodecError for what is no record of
        it."""
        new = codec.decode(value, host_config.HostConfig)
        if key is not None and key != new.host:
            raise exception.RecordDamaged(f'of {new.host!r}, key {key!r}')
        before = self._known.get(new.host)
        if before is None:
            before = configuration.Advice(host=new.host, time_us=0, offset=0)
        if offset < before.offset:
            return
        # By its clock, but never at the time of what was said before.
        time_us = max(new.time_us, before.time_us + 1)
        kept = {one.id: one for one in before.open}
        said = turn.told(
            kept,
            turn.Seen(
                host=new.host,
                time_us=time_us,
                checks=self._checks,
                present={one.uuid for one in new.domains},
                answers=answer.of(new),
            ),
        )
        left = turn.after(kept, said)
        self._keep(new.host, time_us, offset, left, said)

    def forget(self, offset: int, host: str, time_us: int) -> None:
        """Close all that is open of a host of which nothing is told any more:
        somebody deleted its record then."""
        before = self._known.get(host)
        if before is None or offset < before.offset:
            return
        time_us = max(time_us, before.time_us + 1)
        said = [turn.closed(one, 'gone', time_us) for one in before.open]
        self._keep(host, time_us, offset, {}, said)

    def due(
        self,
    ) -> Iterator[tuple[configuration.Advice, list[configuration.Finding]]]:
        """Yield what is to be kept of each host where something is new, and
        what is to be said when that is kept."""
        fresh, self._fresh = self._fresh, {}
        for host, said in fresh.items():
            newest = {one.id: one for one in said}.values()
            kept = msgspec.structs.replace(
                self._known[host],
                told=[one.id for one in newest if one.state == 'open'],
                closed=[one for one in newest if one.state == 'closed'],
            )
            yield turn.fitting(kept), said

    def _keep(
        self,
        host: str,
        time_us: int,
        offset: int,
        left: dict[str, configuration.Finding],
        said: list[configuration.Finding],
    ) -> None:
        self._known[host] = configuration.Advice(
            host=host,
            time_us=time_us,
            offset=offset + 1,
            open=list(left.values()),
        )
        if said:
            self._fresh.setdefault(host, []).extend(said)
