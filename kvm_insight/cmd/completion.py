# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight completion``: what a shell needs to complete our words."""

import argparse
import importlib

from kvm_insight.cmd import service

_BASH = """\
_kvm_insight() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} verb=${{COMP_WORDS[1]}} words
    case $verb in
{cases}
    *) words="{verbs}" ;;
    esac
    [ "$COMP_CWORD" = 1 ] && words="{verbs}"
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
    [ ${{#COMPREPLY[@]}} -gt 0 ] ||
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
}}
complete -F _kvm_insight kvm-insight
"""


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'completion',
        help='print completions for a shell',
        description='Use it as: source <(kvm-insight completion bash)',
    )
    parser.add_argument('shell', choices=['bash'])
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print the completions."""
    insight = importlib.import_module('kvm_insight.cmd.insight')
    print(bash(insight.parser()), end='')
    return service.OK


def bash(parser: argparse.ArgumentParser) -> str:
    """Return a bash script that completes verbs and switches."""
    words = verbs(parser)
    cases = '\n'.join(
        f'    {verb}) words="{" ".join(switches)}" ;;'
        for verb, switches in words.items()
    )
    return _BASH.format(cases=cases, verbs=' '.join(words))


def verbs(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Return verb -> its switches and the verbs below it."""
    found: dict[str, list[str]] = {}
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for verb, inner in action.choices.items():
            switches = [s for s in inner._option_string_actions if s[1] == '-']
            found[verb] = [*verbs(inner), *switches]
    return found
