# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight db``: the tables of the database, and what is too old."""

import argparse
import datetime
import sys

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.cmd import service, store


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser('db', help='the database of [database]')
    actions = parser.add_subparsers(
        dest='action', required=True, metavar='ACTION'
    )
    upgrade = actions.add_parser(
        'upgrade',
        help='make the tables, or change them to those of this version',
        description='Makes the tables or changes them to those of this'
        ' version. Services of the version before may go on meanwhile;'
        ' back the database up first.',
    )
    upgrade.set_defaults(func=_upgrade)
    check = actions.add_parser(
        'check',
        help='say whether the tables are those of this version',
        description='Says which revision the database has; ends with 3 where'
        ' it is not the one of this version.',
    )
    check.set_defaults(func=_check)
    downgrade = actions.add_parser(
        'downgrade',
        help='change the tables back to those of an older version',
        description='Changes the tables back. What older ones have no place'
        ' for is lost: stop all services, and back the database up first.',
    )
    downgrade.add_argument(
        'revision',
        metavar='REVISION',
        help='as told by'
        ' db check with the older version; base is no tables at all',
    )
    downgrade.add_argument('--yes', action='store_true', help='do not ask')
    downgrade.set_defaults(func=_downgrade)
    purge = actions.add_parser(
        'purge',
        help='take away what is older than a day',
        description='Takes away hours, days, closed findings and'
        ' recommendations from before a day, and hosts, instances and'
        ' projects of which nothing is left; a little at a time, beside'
        ' services that go on. The recorder does so by itself as [recorder]'
        ' keep_... say.',
    )
    purge.add_argument(
        '--before',
        required=True,
        type=_day,
        metavar='YYYY-MM-DD',
        help='the first day (UTC) that stays',
    )
    purge.set_defaults(func=_purge)
    for one in (upgrade, check, downgrade, purge):
        service.add_config_file(one, argparse.SUPPRESS)
        store.add_state(one)


def _day(word: str) -> int:
    """Return when a day begins, in µs since 1970."""
    try:
        day = datetime.date.fromisoformat(word)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{word} is no day: write it as 2026-01-31'
        ) from None
    return (day - datetime.date(1970, 1, 1)).days * 86_400_000_000


def _loaded(args: argparse.Namespace) -> cfg.ConfigOpts:
    loaded = service.configure(args, quiet=True)
    store.choose(loaded, args.state)
    return loaded


def _upgrade(args: argparse.Namespace) -> int:
    loaded = _loaded(args)
    with store.database(loaded, patient=True, new=True) as database:
        from kvm_insight.store import schema

        before = schema.current(database)
        schema.upgrade(database)
        after = schema.current(database)
    if before == after:
        print(f'revision {after} already')
    else:
        print(f'from {before or "no tables"} to revision {after}')
    return service.OK


def _check(args: argparse.Namespace) -> int:
    loaded = _loaded(args)
    try:
        with store.database(loaded) as database:
            from kvm_insight.store import schema

            schema.check(database)
            found = schema.current(database)
    except exception.SchemaError as why:
        print(why)
        return service.UNHEALTHY
    print(f'revision {found}, as this version needs')
    return service.OK


def _downgrade(args: argparse.Namespace) -> int:
    loaded = _loaded(args)
    with store.database(loaded, patient=True) as database:
        from kvm_insight.store import schema

        before = schema.current(database)
        print(
            f'The tables go from {before} back to {args.revision}: what has'
            ' no place there is lost, and services of this version cannot'
            ' use them.'
        )
        if not (args.yes or _agreed()):
            print('nothing was changed')
            return service.FAILED
        schema.downgrade(database, args.revision)
        print(f'revision {schema.current(database) or "none"}')
    return service.OK


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise exception.ConfigError(
            'db downgrade asks first: add --yes where nobody can answer'
        )
    return input('Go on? [y/N] ').strip().lower() == 'y'


def _purge(args: argparse.Namespace) -> int:
    loaded = _loaded(args)
    with store.opened(loaded) as book:
        from kvm_insight.store.write import purge, sweep

        book.check()
        one = sweep.Sweep(purge.before(args.before))
        while not one.is_over:
            one.step(book)
    for name, count in one.taken.items():
        print(f'{name}: {count} rows')
    if not one.taken:
        print('nothing was that old')
    return service.OK
