# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight feed``: what is fed to Nova and others, and to stop it."""

import argparse
import contextlib
import dataclasses
import getpass
import json
import sys
import time
from collections.abc import Callable, Iterator

import msgspec
from oslo_config import cfg

from kvm_insight import exception, feeder
from kvm_insight.bus import port, publisher, topic
from kvm_insight.cmd import feeding, service, table, top
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import feed as options
from kvm_insight.feed import port as feed_port
from kvm_insight.feed import registry
from kvm_insight.model import codec, control, execution, mark

Action = Callable[[cfg.ConfigOpts, port.Bus, argparse.Namespace], int]

#: Less is told by nobody.
_LEAST_HEAT = 0.05
_ACTUATOR = 'actuator'
_HOT = ('HOST', '>HEAT', 'MARKED', 'WHY')


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'feed', help='what Nova, Placement and others are told; stop it'
    )
    actions = parser.add_subparsers(
        dest='action', required=True, metavar='ACTION'
    )
    show = _action(
        actions,
        'show',
        _show,
        'hot hosts, marks, and how the feeds are',
        'Ends with 3 when more hosts are hot than may be marked, or when a'
        ' feed is in trouble.',
    )
    show.add_argument('--json', action='store_true', help='print as JSON')
    dry = _action(
        actions,
        'dry-run',
        _dry_run,
        'print what the feeds would write now',
        'Writes nothing. Without a name all active feeds are asked.',
    )
    clear = _action(
        actions,
        'clear',
        _clear,
        'take back all that the feeds wrote, and let them be silent',
        'Holds for all planners and schedulers, and until "feed on". Without'
        ' a name it is for all feeds that are installed. A migration that is'
        ' under way is not aborted, but named.',
    )
    on = _action(
        actions,
        'on',
        _on,
        'let feeds write again after "feed clear"',
        'Only feeds that [feed] active names do write.',
    )
    for one in (dry, clear, on):
        one.add_argument('name', nargs='*', help='a feed, such as nova')


def _action(
    actions: 'argparse._SubParsersAction[argparse.ArgumentParser]',
    name: str,
    work: Action,
    short: str,
    more: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(
        name, help=short, description=f'{short.capitalize()}. {more}'
    )
    parser.add_argument(
        '--state',
        metavar='FOLDER',
        help='look at a standalone that keeps its bus there',
    )
    service.add_config_file(parser, argparse.SUPPRESS)
    parser.set_defaults(func=_run, work=work)
    return parser


def _run(args: argparse.Namespace) -> int:
    loaded = service.configure(args, quiet=True)
    bus = top.open_bus(loaded, args.state)
    try:
        return int(args.work(loaded, bus, args))
    finally:
        bus.close()


def _show(
    loaded: cfg.ConfigOpts, bus: port.Bus, args: argparse.Namespace
) -> int:
    """Print marks and states; 3 when something is wrong."""
    source = feeder.Feeder(bus, options.settings(loaded), {})
    told = source.now()
    states = dict(source.states)
    if args.json:
        print(json.dumps(_tree(told, states)))
    else:
        print('\n'.join(_lines(told, states)))
    alarms = told.marks.alarms if told.marks else []
    well = all(one in ('ok', 'off') for one in states.values())
    return service.OK if well and not alarms else service.UNHEALTHY


def _tree(told: feed_port.Told, states: dict[str, str]) -> dict[str, object]:
    return {
        'generation': told.generation,
        'marks': msgspec.to_builtins(told.marks),
        'heats': {
            name: dataclasses.asdict(one) for name, one in told.heats.items()
        },
        'feeds': states,
        'off': sorted(told.off),
        'executions': {
            name: msgspec.to_builtins(one)
            for name, one in told.executions.items()
        },
    }


def _lines(told: feed_port.Told, states: dict[str, str]) -> Iterator[str]:
    """Return all of it in words."""
    marks = told.marks or mark.Marks(time_us=0)
    marked = {one.host for one in marks.hosts}
    rows = [
        [
            name,
            f'{one.value:.2f}',
            'yes' if name in marked else '',
            '; '.join(one.reasons),
        ]
        for name, one in sorted(
            told.heats.items(), key=lambda each: -each[1].value
        )
        if one.value >= _LEAST_HEAT or name in marked
    ]
    if rows:
        yield from table.render(_HOT, rows, 10_000)
    else:
        yield f'none of {len(told.heats)} hosts is hot'
    if told.marks is None:
        yield 'no planner decides which hosts are marked'
    for alarm in marks.alarms:
        yield f'ALARM: {mark.words(alarm)}'
    for name, one in sorted(told.executions.items()):
        if one.state != 'done':
            yield f'recommendation {name}: {execution.words(one)}'
    for name, state in sorted(states.items()):
        yield f'feed {name}: {state}'
    for name in sorted(told.off):
        yield f'feed {name}: told to be silent ("kvm-insight feed on {name}")'


def _dry_run(
    loaded: cfg.ConfigOpts, bus: port.Bus, args: argparse.Namespace
) -> int:
    names = args.name or loaded[options.GROUP].active
    if not names:
        raise exception.ConfigError(
            f'[{options.GROUP}] active is empty: name one of'
            f' {", ".join(registry.names())}'
        )
    told = feeder.Feeder(bus, options.settings(loaded), {}).now()
    told = dataclasses.replace(told, changed=told.standing)
    with feeding.opened(loaded, bus, names) as feeds:
        for name, one in feeds.items():
            print(f'{name}:')
            for line in one.would(told):
                print(f'  {line}')
    return service.OK


def _clear(
    loaded: cfg.ConfigOpts, bus: port.Bus, args: argparse.Namespace
) -> int:
    """Let all of them be silent first, so that nothing comes back."""
    names, settings = _named(args), options.settings(loaded)
    with _control(loaded, bus) as out:
        for name in names:
            said = _silence(name)
            value = codec.encode(said)
            out.publish(
                topic.CONTROL, control.key(said), value, control.SCHEMA
            )
    done = [_is_taken_back(loaded, bus, name) for name in names]
    if _ACTUATOR in names:
        for line in _under_way(feeder.Feeder(bus, settings, {}).now()):
            print(f'{_ACTUATOR}: {line}')
    print(f'{", ".join(names)}: silent until "kvm-insight feed on"')
    return service.OK if all(done) else service.FAILED


def _under_way(told: feed_port.Told) -> Iterator[str]:
    """Yield what goes on by itself though nothing more is begun."""
    known = {one.id: one for one in told.standing}
    for name, now in sorted(told.executions.items()):
        if now.state == 'moving' and name in known:
            move = known[name].moves[now.move]
            yield (
                f'{name}: {move.name or move.instance} ({move.instance}) from'
                f' {move.source} to {move.destination} is under way and is'
                ' NOT aborted'
            )


def _is_taken_back(loaded: cfg.ConfigOpts, bus: port.Bus, name: str) -> bool:
    """Take back what can be from here; say what is not, and whether that is
    well."""
    try:
        with feeding.opened(loaded, bus, [name]) as feeds:
            for line in feeds[name].clear(lambda: True):
                print(f'{name}: {line}')
    except exception.ConfigError as why:
        # Where a planner has it on, it heard the word. Here it should be on,
        # too, and it may be that no planner runs any more. Of the actuator
        # nothing is left to be taken back.
        is_on = name in loaded[options.GROUP].active and name != _ACTUATOR
        print(
            f'{name}: nothing is taken back from here: {why}',
            file=sys.stderr if is_on else sys.stdout,
        )
        return not is_on
    except exception.KvmInsightError as why:
        print(f'{name}: not taken back: {why}', file=sys.stderr)
        return False
    return True


def _on(
    loaded: cfg.ConfigOpts, bus: port.Bus, args: argparse.Namespace
) -> int:
    names = _named(args)
    with _control(loaded, bus) as out:
        for name in names:
            out.publish(topic.CONTROL, control.key(_silence(name)), None)
    active = loaded[options.GROUP].active
    for name in names:
        how = (
            'may write again'
            if name in active
            else 'may write again where [feed] active has it (here it has not)'
        )
        print(f'{name}: {how}')
    return service.OK


def _silence(name: str) -> control.Order:
    """Return the word that a feed is to be off."""
    return control.Order(
        kind='feed_off',
        about='feed',
        subject=name,
        by=getpass.getuser(),
        made_us=time.time_ns() // 1000,
    )


def _named(args: argparse.Namespace) -> list[str]:
    """Return the feeds that are meant, by default all; ConfigError for one
    that there is not."""
    there = registry.names()
    for name in args.name:
        if name not in there:
            raise exception.ConfigError(
                f'{name}: no such feed; there are {", ".join(there)}'
            )
    return args.name or there


@contextlib.contextmanager
def _control(
    loaded: cfg.ConfigOpts, bus: port.Bus
) -> Iterator[publisher.Publisher]:
    out = publisher.Publisher(bus, loaded[bus_options.GROUP].topic_prefix)
    try:
        yield out
    finally:
        out.close()
