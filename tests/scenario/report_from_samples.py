# SPDX-License-Identifier: Apache-2.0
"""What a tenant's month is by its raw samples, worked out the plain way.

Shares no code with the analyzer, the store and the report but the decoding
of samples: what the documentation says of each figure is said here again, in
loops over samples, without histograms and without hours.
"""

import collections
import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kvm_insight.model import sample

#: More is a gap, and nothing is known of it.
LONGEST_US = 120_000_000
#: Waits below this part of an interval are in nobody's account.
LEAST_WAIT = 0.005
#: Causes that are somebody's.
NAMED = ('other_projects', 'own_project', 'own_threads', 'quota', 'host')


@dataclasses.dataclass(slots=True)
class Instance:
    """All of one instance, in µs."""

    project: str
    vcpus: int = 0
    measured: int = 0
    run: int = 0
    wanted: int = 0
    waited: int = 0
    caused: int = 0
    causes: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    #: Cores that were wanted, and how long.
    cores: list[tuple[float, int]] = dataclasses.field(default_factory=list)

    def quantile(self, part: float) -> float:
        """Return the cores that were enough for this part of the time."""
        whole = sum(us for _, us in self.cores)
        so_far = 0
        for cores, us in sorted(self.cores):
            so_far += us
            if so_far >= part * whole:
                return cores
        raise AssertionError('nothing measured')


def bin_number(cores: float) -> int:
    """Return the number of the 5 % step in which a number of cores is."""
    if cores < 0.01:
        return 0
    return 1 + math.floor(math.log(cores / 0.01) / math.log(1.05) + 1e-9)


def admitted(samples: Iterable[sample.Sample]) -> Iterator[sample.Sample]:
    """Leave out what came twice or late."""
    newest: dict[str, int] = {}
    uptime: dict[str, int] = {}
    for one in samples:
        late = one.uptime_us <= uptime.get(one.boot_id, -1)
        if one.sequence <= newest.get(one.agent_id, -1) or late:
            continue
        newest[one.agent_id] = one.sequence
        uptime[one.boot_id] = one.uptime_us
        yield one


def instances(
    hosts: Iterable[Sequence[sample.Sample]], since_us: int, until_us: int
) -> dict[str, Instance]:
    """Return all instances of these hosts."""
    found: dict[str, Instance] = {}
    project_of = {
        domain.uuid: domain.identity.project_id
        for samples in hosts
        for one in samples
        for domain in one.domains
    }
    for samples in hosts:
        last: sample.Sample | None = None
        for one in admitted(samples):
            if last is not None and since_us <= one.time_us < until_us:
                _between(last, one, found, project_of)
            last = one
    return found


def _between(
    old: sample.Sample,
    new: sample.Sample,
    found: dict[str, Instance],
    project_of: Mapping[str, str],
) -> None:
    interval = new.uptime_us - old.uptime_us
    if old.boot_id != new.boot_id or not 0 < interval <= LONGEST_US:
        return
    before = {domain.uuid: domain for domain in old.domains}
    delays = {}
    for domain in new.domains:
        project = project_of[domain.uuid]
        one = found.setdefault(domain.uuid, Instance(project))
        one.vcpus = len(domain.vcpus)
        was = before.get(domain.uuid)
        if was is None or was.epoch != domain.epoch:
            continue
        did = _grown(was, domain, same_agent=old.agent_id == new.agent_id)
        if did is None:
            continue
        run, delay, throttled, polled = did
        delays[domain.uuid] = delay
        ran = run - polled
        one.measured += interval
        one.run += run
        one.wanted += ran + delay
        one.waited += delay
        one.causes['quota'] += throttled
        one.cores.append(((ran + delay - throttled) / interval, interval))
    if new.ledger is not None:
        _charge(new.ledger, interval, delays, found, project_of)


def _grown(
    was: sample.Domain, now: sample.Domain, *, same_agent: bool
) -> tuple[int, int, int, int] | None:
    """Return run, delay, throttled and polled; None if one is not known."""
    run = delay = throttled = polled = 0
    before = {(vcpu.index, vcpu.tid): vcpu for vcpu in was.vcpus}
    for vcpu in now.vcpus:
        old = before.get((vcpu.index, vcpu.tid))
        if old is None or None in (
            vcpu.run_us,
            old.run_us,
            vcpu.run_delay_us,
            old.run_delay_us,
        ):
            return None
        run += (vcpu.run_us or 0) - (old.run_us or 0)
        delay += (vcpu.run_delay_us or 0) - (old.run_delay_us or 0)
        throttled += (vcpu.throttled_us or 0) - (old.throttled_us or 0)
        polled += (vcpu.halt_poll_us or 0) - (old.halt_poll_us or 0)
    if now.cpu is not None and was.cpu is not None:
        whole = (now.cpu.throttled_us or 0) - (was.cpu.throttled_us or 0)
        throttled += whole
    kinds = {one.kind: one for one in was.threads} if same_agent else {}
    for one in now.threads:
        then = kinds.get(one.kind)
        if then is not None:
            run += max(0, (one.run_us or 0) - (then.run_us or 0))
            waits = (one.run_delay_us or 0) - (then.run_delay_us or 0)
            delay += max(0, waits)
    return run, delay, min(throttled, delay), min(polled, run)


def _charge(
    ledger: sample.Ledger,
    interval: int,
    delays: Mapping[str, int],
    found: Mapping[str, Instance],
    project_of: Mapping[str, str],
) -> None:
    """Sort each charge by who ran, as its tenant may know."""
    for row in ledger.rows:
        if delays.get(row.victim, 0) < LEAST_WAIT * interval:
            continue
        victim = found[row.victim]
        for who, us in row.charges.items():
            kind, _, name = who.partition(':')
            if who == 'quota':
                continue  # its cgroup tells it
            if kind == 'domain' and name == row.victim:
                victim.causes['own_threads'] += us
            elif kind == 'domain':
                own = project_of.get(name) == victim.project
                kind = 'own_project' if own else 'other_projects'
                victim.causes[kind] += us
                if name in found:
                    found[name].caused += us
            elif kind in {'host', 'service'}:
                victim.causes['host'] += us
