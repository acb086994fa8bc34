# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight``: the operator's tool on one machine."""

import argparse
import importlib
import sys
from collections.abc import Collection

from kvm_insight.cmd import service

#: A verb is a module of this name; it is loaded when it is called for.
VERBS = (
    'standalone',
    'top',
    'status',
    'doctor',
    'record',
    'replay',
    'simulate',
    'plan',
    'report',
    'feed',
    'topics',
    'db',
    'completion',
)


def parser(names: Collection[str] = VERBS) -> argparse.ArgumentParser:
    """Return the command line with these verbs and all their switches."""
    top = argparse.ArgumentParser(
        prog='kvm-insight',
        description='Who suffers on KVM hosts, and who makes them suffer.',
    )
    service.add_options(top)
    verbs = top.add_subparsers(dest='verb', required=True, metavar='VERB')
    for name in names:
        module = importlib.import_module(f'kvm_insight.cmd.{name}')
        module.add(verbs)
    for verb in verbs.choices.values():
        # Also after the verb, where one looks for it first.
        service.add_config_file(verb, argparse.SUPPRESS)
    return top


def main(words: list[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    given = sys.argv[1:] if words is None else words
    # Loading them all takes two seconds, most of it for numpy and the like.
    named = [verb for verb in VERBS if verb in given]
    args = parser(named or VERBS).parse_args(given)
    return service.guard(lambda: int(args.func(args)))
