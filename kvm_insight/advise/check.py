# SPDX-License-Identifier: Apache-2.0
"""Check: one question to a host's or a domain's configuration.

A check looks at facts and answers with an outcome; whatever it reads is in
the outcome as evidence. It never raises: what is not known is ``CannotTell``
with the reason that the reader of the facts gave.
"""

import dataclasses
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from kvm_insight.model import facts, history, sizing, tenant_report

Severity = Literal['high', 'medium', 'low']
About = Literal['host', 'domain', 'instance', 'fleet']
#: From worst to mildest.
SEVERITIES: tuple[Severity, ...] = ('high', 'medium', 'low')
#: Where it was read (a file or an XML node), and what.
Evidence = tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Good:
    """It is as it should be."""

    evidence: Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Saving:
    """What would be free for others, if the advice is followed."""

    vcpus: int = 0
    memory_bytes: int = 0
    #: Of the time that was looked at: core-seconds less that are reserved.
    core_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Bad:
    """It holds the host or the domain back; ``what`` says so in words."""

    evidence: Evidence
    what: str
    saving: Saving | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CannotTell:
    """Something was not to be read; says what, and why."""

    why: str


@dataclasses.dataclass(frozen=True, slots=True)
class NotConcerned:
    """The question does not arise here."""

    why: str


Outcome = Good | Bad | CannotTell | NotConcerned


@dataclasses.dataclass(frozen=True, slots=True)
class HostCase:
    """A host with the domains on it."""

    host: facts.HostFacts
    domains: tuple[facts.DomainFacts, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class DomainCase:
    """A domain, with what stands around it."""

    domain: facts.DomainFacts
    host: facts.HostFacts
    #: All on the same host, this one too.
    domains: tuple[facts.DomainFacts, ...] = ()
    #: Other hosts to which it may be moved; empty where none are known.
    peers: tuple[facts.HostFacts, ...] = ()
    #: What was measured of it; None where nobody has measured.
    use: facts.Use | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class InstanceCase:
    """An instance by what was measured of it."""

    instance: history.Instance
    rule: tenant_report.SizingRule = sizing.RULE


@dataclasses.dataclass(frozen=True, slots=True)
class FleetCase:
    """Hosts between which guests may be moved."""

    hosts: tuple[history.Host, ...]


C = TypeVar('C', HostCase, DomainCase, InstanceCase, FleetCase)


@dataclasses.dataclass(frozen=True, slots=True)
class Check(Generic[C]):
    """One question, and what to do when the answer is bad."""

    #: ``subject.short-name``; it never changes, findings are known by it.
    id: str
    subject: str
    about: About
    severity: Severity
    #: What is wrong where it is, in a few words.
    title: str
    #: Why that costs something.
    reason: str
    #: The change on plain libvirt (on the host itself, for hosts).
    libvirt: str
    #: The same with Nova: flavor extra spec, image property, nova.conf.
    nova: str
    #: Where to read on.
    source: str
    #: When not to follow it.
    unless: str
    look: Callable[[C], Outcome]
    #: It looks at other guests of the host, too: its answer is for operators
    #: alone.
    private: bool = False


def why_unknown(
    one: facts.HostFacts | facts.DomainFacts, *names: str
) -> CannotTell:
    """Return the outcome for fields of which at least one is None."""
    missing = [name for name in names if getattr(one, name) is None]
    reasons = [
        f'{name}: {one.unknown.get(name, "not read")}'
        for name in missing or names
    ]
    return CannotTell('; '.join(reasons))


def unreadable(one: facts.DomainFacts) -> CannotTell:
    """Return the outcome for a domain whose XML nobody could read."""
    return CannotTell(f'its XML: {one.unknown.get("xml", "not read")}')
