# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight``: the operator's tool on one machine."""

import argparse
import importlib

from kvm_insight.cmd import service

#: A verb is a module of this name; it is loaded when it is called for.
VERBS = (
    'standalone',
    'top',
    'status',
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


def parser() -> argparse.ArgumentParser:
    """Return the whole command line, all verbs with their switches."""
    top = argparse.ArgumentParser(
        prog='kvm-insight',
        description='Who suffers on KVM hosts, and who makes them suffer.',
    )
    service.add_options(top)
    verbs = top.add_subparsers(dest='verb', required=True, metavar='VERB')
    for name in VERBS:
        module = importlib.import_module(f'kvm_insight.cmd.{name}')
        module.add(verbs)
    for verb in verbs.choices.values():
        # Also after the verb, where one looks for it first.
        service.add_config_file(verb, argparse.SUPPRESS)
    return top


def main(words: list[str] | None = None) -> int:
    """Run one verb; return the exit code."""
    args = parser().parse_args(words)
    return service.guard(lambda: int(args.func(args)))
