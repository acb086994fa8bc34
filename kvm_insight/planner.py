# SPDX-License-Identifier: Apache-2.0
"""Planner: reports, history and what people say, to recommendations.

Any number of copies read the same topics; the one that holds the lease has
something to say. All that it knows comes from the topics and the description
of the cluster, so that the next one goes on as it would have. The order of
effects makes a crash at any line harmless: recommendations are on the bus
before the status that closes their plan, and a plan that is not closed is
made again.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.bus import (
    dispatch,
    fenced_post,
    lease,
    port,
    tail,
    topic,
    trouble,
)
from kvm_insight.conf import planner as options
from kvm_insight.feed import crew, telling
from kvm_insight.model import cluster, recommendation, vitals
from kvm_insight.recommend import (
    confirmation,
    expectation,
    news,
    overlay,
    standing,
    status,
    turn,
    world,
)

LOG = logging.getLogger(__name__)

_LEASE_S = 0.1
_READ_S = 0.1
_BACK_OFF_S = 1.0
_DAY_S = 24 * 3600

#: Returns the description of the cluster as it is now, without waiting.
Reader = Callable[[], cluster.Cluster]
Taker = Callable[[recommendation.Recommendation], None]


class Planner:
    """One copy, active or waiting to be."""

    def __init__(
        self,
        bus: port.Bus,
        settings: options.Settings,
        read_cluster: Reader,
        on_change: Taker | None = None,
        feeds: crew.Crew | None = None,
        confirm: confirmation.Confirm | None = None,
    ) -> None:
        """``confirm`` is asked before, ``on_change`` told after publishing."""
        self._bus = bus
        self._settings = settings
        self._read_cluster = read_cluster
        self._on_change = on_change
        self._feeds = feeds or crew.Crew({})
        self._telling = telling.Telling()
        self._confirm = confirm
        self._world = world.World(settings.history_hours)
        self._dispatch = dispatch.Dispatch(
            settings.prefix,
            {
                topic.HOSTS: self._world.take_report,
                topic.USAGE: self._world.take_usage,
                topic.FINDINGS: self._world.take_finding,
                topic.CONTROL: self._world.take_order,
                topic.RECOMMENDATIONS: self._world.take_recommendation,
                topic.INVENTORY: self._world.take_facts,
            },
        )
        self._expectation = expectation.Expectation(
            settings.limits.rules.hot_ratio
        )
        self._generation = 0
        self._cycle_at_s = 0.0
        self._news = news.News()
        self._trouble = trouble.Trouble()
        self._signs = status.Signs()
        self._waiting: list[str] = []

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; raise BusRefused if that is vain."""
        while not stop.is_set():
            try:
                self._follow(stop)
            except exception.BusUnavailable as why:
                self._trouble.begin(why)
                stop.wait(_BACK_OFF_S)

    def _follow(self, stop: threading.Event) -> None:
        """Read, and plan while the lease is ours."""
        prefix = self._settings.prefix
        usages = prefix + topic.USAGE
        rest = [name for name in self._dispatch.topics if name != usages]
        usage = tail.Tail(self._bus, [usages])
        newest = tail.Tail(self._bus, rest)
        producer = self._bus.producer()
        held = lease.Lease(
            self._bus, prefix + topic.PLAN_LEASE, self._settings.group
        )
        try:
            back_s = self._settings.history_hours * 3600
            usage.start(max(0, int((time.time() - back_s) * 1000)))
            newest.start(0)
            while not stop.is_set():
                try:
                    self._step(held, producer, (newest, usage))
                    self._trouble.end()
                except exception.BusUnavailable as why:
                    self._trouble.begin(why)
                    stop.wait(_BACK_OFF_S)
        finally:
            self._feeds.permit.withdraw()
            held.close()
            producer.close()
            newest.close()
            usage.close()

    def _step(
        self,
        held: lease.Lease,
        producer: port.Producer,
        tails: Sequence[tail.Tail],
    ) -> None:
        """Take in what there is; plan if it is time to."""
        before = held.generation
        held.hold(_LEASE_S)
        for one in tails:
            for record in one.read(_READ_S):
                self._dispatch.take(record)
        self._renew(held)
        active = held.generation is not None
        self._signs.turned(time.time_ns() // 1000, active=active)
        if held.generation is None:
            return
        if held.generation != before:
            self._generation = 0
            self._cycle_at_s = 0.0
        if time.monotonic() < self._cycle_at_s:
            return
        # What was said last by anybody must be known before more is said.
        if any(one.is_behind() for one in tails):
            return
        began_s = time.monotonic()
        self._cycle_at_s = began_s + _BACK_OFF_S
        try:
            self._cycle(held, producer)
        except exception.LeaseLost:
            LOG.warning('the lease was lost in the middle of a cycle')
        else:
            self._cycle_at_s = began_s + self._settings.cycle_s

    def _renew(self, held: lease.Lease) -> None:
        """Let feeds that are still at work go on, if the bus says so."""
        permit = self._feeds.permit
        if held.generation is None:
            permit.withdraw()
            return
        is_due = self._feeds.is_busy and not permit.is_fresh(self._generation)
        # Else it runs out, and what waits goes on when it holds again.
        if is_due and held.confirm():
            permit.grant(self._generation)

    def _cycle(self, held: lease.Lease, producer: port.Producer) -> None:
        """Say what there is to say; the status comes last."""
        began_s = time.monotonic()
        now_us = time.time_ns() // 1000
        seen = self._world
        if not self._generation:
            # Greater than all that was ever heard, also where a group has
            # forgotten how far it had counted.
            self._generation = max(held.generation or 0, seen.generation + 1)
        whole, reasons = self._cluster()
        outlook = self._outlook(now_us)
        said = self._planned(whole, now_us, outlook)
        self._say_waiting([*reasons, *said.reasons])
        tell = fenced_post.FencedPost(
            held, producer, self._settings.prefix, self._generation
        )
        again = standing.again(seen.known, self._generation)
        fresh = {one.id: one for one in said.recommendations}
        changed = list((again | fresh).values())
        for one in changed:
            tell.recommendation(one)
            if self._on_change is not None:
                self._on_change(one)
        for key, ask in said.asks.items():
            tell.order(key, ask)
        sound = None if said.reasons else whole
        new, gone = self._news.of(sound, seen, outlook.hosts)
        for fact in new:
            tell.facts(fact)
        for key in gone:
            tell.forget_facts(key)
        self._news.told()
        kept_s = self._settings.ended_days * _DAY_S
        over = standing.outlived(seen.known.values(), now_us, kept_s)
        for name in over[: news.MOST_FORGOTTEN]:
            tell.forget(name)
        feed = self._telling.of(
            seen,
            whole,
            outlook.hosts,
            changed,
            self._generation,
            now_us,
            self._settings.limits,
        )
        if feed.marks is not None:
            tell.facts(feed.marks)
        now = status.of(
            seen, said, [*reasons, *said.reasons], self._generation, now_us
        )
        took_ms = round((time.monotonic() - began_s) * 1000)
        now = msgspec.structs.replace(
            now, plan_ms=took_ms, feeds=self._feeds.states
        )
        tell.facts(now)
        self._signs.planned(status.shown(seen, said, now, whole, feed.marks))
        self._feeds.tell(feed)
        seen.forget(now_us)

    @property
    def signs(self) -> vitals.Planner:
        """Return how it fares; from any thread."""
        return self._signs.of(bus_up=self._trouble.is_over)

    def _planned(
        self,
        whole: cluster.Cluster | None,
        now_us: int,
        outlook: expectation.Outlook,
    ) -> turn.Said:
        """Return what there is to say; that planning broke, if it did."""
        limits = self._settings.limits
        try:
            said = turn.taken(
                whole, self._world, now_us, limits, outlook.peaks
            )
            return self._confirmed(said)
        except Exception as why:
            LOG.exception('planning')
            return turn.broken(f'planning broke: {type(why).__name__}: {why}')

    def _confirmed(self, said: turn.Said) -> turn.Said:
        """Return what is still valid of what was not said before."""
        asked = self._world.known, self._settings.limits, self._confirm
        left, refused = confirmation.confirmed(said, *asked)
        if refused:
            LOG.warning('not recommended: %s', refused)
        return left

    def _cluster(self) -> tuple[cluster.Cluster | None, list[str]]:
        try:
            return self._read_cluster(), []
        except exception.KvmInsightError as why:
            return None, [str(why)]

    def _outlook(self, now_us: int) -> expectation.Outlook:
        """Return what is expected of the hosts that told of themselves."""
        stale_s = self._settings.limits.rules.stale_s
        return self._expectation.outlook(
            self._world.history,
            overlay.fresh(self._world.reports, now_us, stale_s),
            self._world.outlooks,
            now_us,
        )

    def _say_waiting(self, reasons: list[str]) -> None:
        """Say once why nothing is planned, and when it is again."""
        if reasons and reasons != self._waiting:
            LOG.warning('no plan: %s', '; '.join(reasons))
        if self._waiting and not reasons:
            LOG.warning('planning again')
        self._waiting = reasons
