# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight topics create``: tell what a fleet writes, ask, create."""

import argparse
import sys

from kvm_insight import exception
from kvm_insight.bus import driver, sizing, topic
from kvm_insight.cmd import service
from kvm_insight.conf import bus as bus_options


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser('topics', help='the topics on the bus')
    actions = parser.add_subparsers(
        dest='action', required=True, metavar='ACTION'
    )
    create = actions.add_parser(
        'create',
        help='create those that are missing',
        description='Tells what a fleet of this size writes, asks, and'
        ' creates the topics that are missing. What is there is not changed.',
    )
    _add_switches(create)
    service.add_config_file(create, argparse.SUPPRESS)
    create.set_defaults(func=run)


def _add_switches(create: argparse.ArgumentParser) -> None:
    create.add_argument(
        '--hosts', type=_at_least_one, required=True, help='how many hosts'
    )
    create.add_argument(
        '--interval',
        type=_positive,
        default=10.0,
        metavar='SECONDS',
        help='between two samples of a host (default: %(default)g)',
    )
    create.add_argument(
        '--domains',
        type=_at_least_one,
        default=30,
        metavar='NUMBER',
        help='domains on a host (default: %(default)d)',
    )
    create.add_argument(
        '--days',
        type=_positive,
        default=1.0,
        help='how long samples are kept (default: %(default)g)',
    )
    create.add_argument(
        '--partitions',
        type=_at_least_one,
        default=topic.PARTITIONS,
        metavar='NUMBER',
        help='the most analyzers that can share the work; fixed for good'
        ' (default: %(default)d)',
    )
    create.add_argument(
        '--replication',
        type=_at_least_one,
        metavar='NUMBER',
        help='copies on the brokers (default: 3; 1 on the embedded bus)',
    )
    create.add_argument('--yes', action='store_true', help='do not ask')


def _at_least_one(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError(f'{word} is less than 1')
    return number


def _positive(word: str) -> float:
    number = float(word)
    if not 0 < number < float('inf'):
        raise argparse.ArgumentTypeError(f'{word} is not above 0')
    return number


def run(args: argparse.Namespace) -> int:
    """Create what is missing; 1 when the operator says no."""
    loaded = service.configure(args, quiet=True)
    name, settings = bus_options.driver_settings(loaded)
    plan = sizing.plan(
        sizing.Fleet(
            hosts=args.hosts,
            interval_s=args.interval,
            domains=args.domains,
            days=args.days,
            partitions=args.partitions,
            replication=args.replication or (1 if name == 'embedded' else 3),
            prefix=loaded[bus_options.GROUP].topic_prefix,
        )
    )
    print('\n'.join(plan.lines()))
    bus = driver.open_bus(name, settings)
    try:
        missing = sizing.missing(plan.topics, bus.topics())
        if not missing:
            print('all of them are there already')
            return service.OK
        if not (args.yes or _agreed(len(missing))):
            print('nothing was created')
            return service.FAILED
        for created in bus.create_topics(missing):
            print(f'created {created}')
    finally:
        bus.close()
    return service.OK


def _agreed(count: int) -> bool:
    if not sys.stdin.isatty():
        raise exception.ConfigError(
            'topics create asks before it creates: add --yes where nobody '
            'can answer'
        )
    return input(f'Create {count} topics? [y/N] ').strip().lower() == 'y'
