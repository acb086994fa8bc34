# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight plan``: what would be recommended for a cluster in a file."""

import argparse
import dataclasses
import json
import pathlib
from collections.abc import Iterator

import msgspec
import numpy

from kvm_insight import exception
from kvm_insight.cmd import cluster_file, service, table
from kvm_insight.conf import planner as options
from kvm_insight.model import recommendation
from kvm_insight.recommend import orders, planning

_PARTS = ('PART', '>BEFORE', '>AFTER', 'UNIT', '>WEIGHT')


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'plan',
        help='what would be moved in a cluster that a file describes',
        description='Reads a record "cluster" and tells the plan in words:'
        ' each move with its reason, the score before and after, and why the'
        ' next best lost. Nothing is connected to, nothing is moved. Ends'
        ' with 3 when nothing can be planned with the file.',
    )
    parser.add_argument(
        '--cluster',
        type=pathlib.Path,
        required=True,
        metavar='FILE',
        help='the description of the cluster, with what was measured',
    )
    parser.add_argument(
        '--mode',
        choices=options.MODES,
        default='relieve',
        help='what for (default: %(default)s)',
    )
    parser.add_argument(
        '--host',
        action='append',
        default=[],
        metavar='NAME',
        help='with --mode evacuate: the host to be emptied; more than once',
    )
    parser.add_argument('--json', action='store_true', help='print as JSON')
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print the plan."""
    loaded = service.configure(args, quiet=True)
    if (args.mode == 'evacuate') != bool(args.host):
        raise exception.ConfigError(
            '--mode evacuate and --host NAME belong together'
        )
    whole = cluster_file.ClusterFile(args.cluster).read()
    unknown = set(args.host) - {one.name for one in whole.hosts}
    if unknown:
        raise exception.ConfigError(
            f'--host {min(unknown)}: {args.cluster} has no such host'
        )
    plan = planning.plan(
        whole,
        options.limits(loaded).rules,
        orders.Orders(evacuate=tuple(args.host)),
        numpy.random.default_rng(1),
        args.mode,
    )
    if args.json:
        print(json.dumps(msgspec.to_builtins(_tree(plan))))
    else:
        print('\n'.join(_lines(plan)))
    return service.UNHEALTHY if plan.error else service.OK


def _tree(plan: planning.Plan) -> dict[str, object]:
    return {
        'recommendations': plan.recommendations,
        'stays': [dataclasses.asdict(one) for one in plan.stays],
        'left_out': [dataclasses.asdict(one) for one in plan.left_out],
        'error': plan.error,
    }


def _lines(plan: planning.Plan) -> Iterator[str]:
    """Return the whole plan in words."""
    if plan.error:
        yield f'nothing can be planned: {plan.error}'
        return
    for one in plan.recommendations:
        yield from recommended(one)
        yield ''
    if not plan.recommendations:
        yield 'nothing is to be moved'
    for stay in plan.stays:
        yield f'{stay.host} would need it and is not relieved:'
        yield from (f'  {reason}' for reason in stay.reasons)
    for left in plan.left_out:
        yield f'{left.kind} {left.name} takes no part: it {left.reason}'


def recommended(one: recommendation.Recommendation) -> Iterator[str]:
    """Return one recommendation in words, with the score table."""
    yield f'{one.summary} ({one.id})'
    for number, move in enumerate(one.moves, 1):
        who = move.name or move.instance
        yield f'{number}. {who}: {move.source} -> {move.destination}'
        yield f'   {move.reason}'
        yield (
            f'   gains {move.gain_core_s:.0f} core-seconds'
            f' ({move.gain_p95_core_s:.0f} by the high forecast), costs'
            f' {move.cost_core_s:.0f}; takes {move.duration_s:.0f} s, stands'
            f' still {move.downtime_s:.1f} s; risk {move.risk:.0%}'
        )
        if move.runner_up is not None:
            yield f'   next best: {move.runner_up.reason}'
    rows = [
        [
            part.name,
            f'{part.before:.3f}',
            f'{part.after:.3f}',
            part.unit,
            f'{part.weight:g}',
        ]
        for part in one.parts
    ]
    score = [
        'score',
        f'{one.score_before:.3f}',
        f'{one.score_after:.3f}',
        '',
        '',
    ]
    for line in table.render(_PARTS, [*rows, score], 79 - 3):
        yield f'   {line}'
    for refusal in one.validity.refusals:
        yield f'   not valid: {refusal}'
