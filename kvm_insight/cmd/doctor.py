# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight doctor``: what holds this host and its domains back."""

import argparse
import dataclasses
import difflib
import json
import pathlib
import shutil
from collections.abc import Mapping

import msgspec

from kvm_insight import exception
from kvm_insight.advise import check, registry
from kvm_insight.cmd import doctor_text, service
from kvm_insight.conf import agent as options
from kvm_insight.identify.facts import domain as domain_xml
from kvm_insight.identify.facts import host as host_xml
from kvm_insight.model import facts
from kvm_insight.observe.facts import assembly, spread, survey

#: The exit code when something is wrong; nobody failed, as 1 is elsewhere.
_BAD = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """One host with its domains, as they were found."""

    name: str
    host: facts.HostFacts
    domains: tuple[facts.DomainFacts, ...]
    #: Why there are no domains; empty where libvirt was asked with success.
    why: str = ''


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'doctor',
        help='what in the configuration holds this host and its guests back',
        description='Looks at this host and, through the read-only socket of'
        ' libvirt, at its running domains: what is wrong, the evidence, the'
        ' change. Changes nothing and needs no root; says what could not be'
        ' read. Ends with 0 when nothing is wrong, with 1 when something is.',
    )
    parser.add_argument(
        '--host', action='store_true', help='the host alone, no domain'
    )
    parser.add_argument(
        '--domain',
        action='append',
        default=[],
        metavar='NAME',
        help='this domain alone, by name or UUID; may be given more than once',
    )
    parser.add_argument(
        '--all', action='store_true', help='also show what is good'
    )
    parser.add_argument('--json', action='store_true', help='print as JSON')
    parser.add_argument(
        '--uri', help='which libvirt (default: [agent] libvirt_uri)'
    )
    parser.add_argument(
        '--root',
        type=pathlib.Path,
        default=pathlib.Path('/'),
        metavar='FOLDER',
        help="where the host's /proc, /sys, /etc are, as seen from within a"
        ' container',
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 where something is bad."""
    loaded = service.configure(args, quiet=True)
    if args.host and args.domain:
        raise exception.ConfigError(
            '--host and --domain exclude each other; leave one out'
        )
    if not (args.root / 'proc').is_dir():
        raise exception.ConfigError(
            f'--root {args.root}: no proc in it; name a folder that has one'
        )
    group = loaded[options.GROUP]
    asked = survey.ask(args.uri or group.libvirt_uri, group.libvirt_timeout_s)
    seen = visit(args.root, options.host_name(loaded), asked)
    chosen = _chosen(seen, args.domain)
    answers = _answers(
        seen, chosen, with_host=not args.domain, with_domains=not args.host
    )
    if args.json:
        print(json.dumps(doctor_text.tree(answers, everything=args.all)))
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        lines = doctor_text.lines(answers, everything=args.all, width=width)
        print('\n'.join(lines))
    return _BAD if answers.is_bad() else service.OK


def visit(root: pathlib.Path, name: str, asked: survey.Survey) -> Visit:
    """Return the host below this root, with what libvirt said of it."""
    if asked.told is None:
        told = host_xml.absent(asked.why)
    else:
        told = host_xml.parse(
            asked.told.capabilities,
            asked.told.hypervisor_version,
            asked.told.libvirt_version,
        )
    spreads = spread.read(root) if asked.domains else {}
    return Visit(
        name=name,
        host=assembly.read(root, told),
        domains=tuple(
            _domain(one, spreads)
            for one in sorted(asked.domains, key=lambda one: one.name)
        ),
        why=asked.why,
    )


def _domain(
    one: survey.Described, spreads: Mapping[str, spread.Spread]
) -> facts.DomainFacts:
    if one.xml is None:
        return facts.DomainFacts(
            uuid=one.uuid, name=one.name, unknown={'xml': one.why}
        )
    found = domain_xml.parse(one.uuid, one.name, one.xml)
    lies = spreads.get(one.uuid, 'no process of QEMU is seen')
    if isinstance(lies, str):
        unknown = {**found.unknown, 'node_bytes': lies}
        return msgspec.structs.replace(found, unknown=unknown)
    return msgspec.structs.replace(found, node_bytes=dict(lies))


def _chosen(seen: Visit, names: list[str]) -> tuple[facts.DomainFacts, ...]:
    """Return the domains that were asked for; ConfigError for none such."""
    if not names:
        return seen.domains
    for name in names:
        if not any(name in (one.name, one.uuid) for one in seen.domains):
            why = _none(seen, name)
            raise exception.ConfigError(f'--domain {name}: {why}')
    return tuple(
        one for one in seen.domains if {one.name, one.uuid} & set(names)
    )


def _none(seen: Visit, name: str) -> str:
    """Return why there is no such domain, with those of a like name."""
    if seen.why:
        return seen.why
    why = 'no running domain has this name or UUID'
    names = [one.name for one in seen.domains]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    near = near or [one for one in names if name.lower() in one.lower()][:3]
    if near:
        return f'{why}; near it: {", ".join(near)}'
    return f'{why}; virsh list has those that run' if names else why


def _answers(
    seen: Visit,
    chosen: tuple[facts.DomainFacts, ...],
    *,
    with_host: bool,
    with_domains: bool,
) -> doctor_text.Answers:
    rows: list[doctor_text.Row] = []
    if with_host:
        rows += [
            doctor_text.Row(one.asked, one.outcome, seen.name)
            for one in registry.of_host(
                check.HostCase(seen.host, seen.domains)
            )
        ]
    for domain in chosen if with_domains else ():
        case = check.DomainCase(domain, seen.host, seen.domains)
        rows += [
            doctor_text.Row(one.asked, one.outcome, domain.name, domain.uuid)
            for one in registry.of_domain(case)
        ]
    return doctor_text.Answers(
        host=seen.name,
        rows=tuple(rows),
        domains=len(chosen) if with_domains else None,
        why=seen.why if with_domains else '',
    )
