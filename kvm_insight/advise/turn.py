# SPDX-License-Identifier: Apache-2.0
"""Turn: what is new since a host was looked at last; values in, values out.

What cannot be told neither opens nor closes. What goes on is said again when
it changed, but no more than once an hour, and once a day in any case: else
whoever keeps findings for so many days would take it for forgotten.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from kvm_insight.advise import answer, check
from kvm_insight.model import configuration

HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US
_LONGEST = 1024
_MOST_WORDS = 4096
_MOST_EVIDENCE = 64
#: Of one record: brokers take 1 MB by default.
_MOST_BYTES = 700_000

#: Id -> what is open.
Open = Mapping[str, configuration.Finding]


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """What a host told of itself, and when."""

    host: str
    #: Later than whatever was said of it before.
    time_us: int
    #: Ids of all checks that there are.
    checks: Collection[str]
    #: UUIDs of the domains on it.
    present: Collection[str]
    #: Empty where it does not tell how it is configured.
    answers: Iterable[answer.Answer] = ()


def told(before: Open, seen: Seen) -> list[configuration.Finding]:
    """Return what there is to say of one host."""
    found = {
        identifier(seen.host, one.check, one.uuid): one for one in seen.answers
    }
    said = [
        _begun(seen, key, one, one.outcome)
        for key, one in found.items()
        if key not in before and isinstance(one.outcome, check.Bad)
    ]
    for key, known in before.items():
        said += _gone_on(known, found.get(key), seen)
    return said


def after(
    before: Open, said: Iterable[configuration.Finding]
) -> dict[str, configuration.Finding]:
    """Return what is open when that was said."""
    kept = {**before, **{one.id: one for one in said}}
    return {key: one for key, one in kept.items() if one.state == 'open'}


def fitting(one: configuration.Advice) -> configuration.Advice:
    """Return it so small that a broker takes it.

    Without evidence and words, what is open is said once more than need be
    after a restart; ids and times are the same.
    """
    if len(msgspec.json.encode(one)) <= _MOST_BYTES:
        return one
    short = [
        msgspec.structs.replace(each, evidence=[], what='')
        for each in one.open
    ]
    return msgspec.structs.replace(one, open=short)


def identifier(host: str, name: str, uuid: str | None) -> str:
    """Return the id of what a check finds at a host, or at a domain on it."""
    parts = ('configuration', host, name, uuid or '')
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:32]


def closed(
    known: configuration.Finding, why: configuration.Reason, now_us: int
) -> configuration.Finding:
    """Return a finding that is over."""
    return msgspec.structs.replace(
        known,
        state='closed',
        updated_us=now_us,
        closed_us=now_us,
        closed_reason=why,
    )


def _gone_on(
    known: configuration.Finding,
    one: answer.Answer | None,
    seen: Seen,
) -> Iterator[configuration.Finding]:
    """Yield what there is to say of one that is open."""
    uuid = known.party and known.party.uuid
    if uuid is not None and uuid not in seen.present:
        yield closed(known, 'gone', seen.time_us)
    elif known.check not in seen.checks:
        yield closed(known, 'dropped', seen.time_us)
    elif one is None:
        return
    elif isinstance(one.outcome, check.Good | check.NotConcerned):
        yield closed(known, 'mended', seen.time_us)
    elif isinstance(one.outcome, check.Bad):
        yield from _still(known, _begun(seen, known.id, one, one.outcome))


def _still(
    known: configuration.Finding, now: configuration.Finding
) -> Iterator[configuration.Finding]:
    """Yield what is wrong still, if it is time to say that again."""
    passed_us = now.updated_us - known.updated_us
    now = msgspec.structs.replace(now, opened_us=known.opened_us)
    same = msgspec.structs.replace(now, updated_us=known.updated_us) == known
    if passed_us >= (DAY_US if same else HOUR_US):
        yield now


def _begun(
    seen: Seen, key: str, one: answer.Answer, outcome: check.Bad
) -> configuration.Finding:
    return configuration.Finding(
        id=key,
        state='open',
        host=seen.host,
        check=one.check,
        party=one.party,
        severity=one.severity,
        what=outcome.what[:_MOST_WORDS],
        evidence=[
            configuration.Evidence(
                where=where[:_LONGEST], value=value[:_LONGEST]
            )
            for where, value in outcome.evidence[:_MOST_EVIDENCE]
        ],
        opened_us=seen.time_us,
        updated_us=seen.time_us,
    )
