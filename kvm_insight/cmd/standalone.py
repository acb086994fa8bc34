# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight standalone``: all services in one process."""

import argparse
import contextlib
import os
import pathlib
import signal
import sys

from oslo_config import cfg

from kvm_insight import (
    adviser,
    agent,
    analyzer,
    exception,
    planner,
    standalone,
)
from kvm_insight.bus import port, private
from kvm_insight.cmd import agent as agent_command
from kvm_insight.cmd import (
    cluster_source,
    feeding,
    narrator,
    scraping,
    service,
    site,
    systemd,
)
from kvm_insight.cmd import store as store_command
from kvm_insight.conf import agent as agent_options
from kvm_insight.conf import analyzer as analyzer_options
from kvm_insight.conf import api as api_options
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import database as database_options
from kvm_insight.conf import planner as planner_options
from kvm_insight.model import sample
from kvm_insight.store import settings as store_settings


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'standalone',
        help='measure this host and tell findings as they come',
        description='Runs agent and analyzer in one process on a bus of their'
        ' own and tells in words who waits, and because of whom. With'
        ' [planner] source, cluster_file or [cloud] also what to move.',
    )
    parser.add_argument(
        '--for',
        dest='limit_s',
        type=_seconds,
        metavar='SECONDS',
        help='end so long after the first sample',
    )
    parser.add_argument(
        '--findings',
        type=pathlib.Path,
        metavar='FILE',
        help='write findings there as JSON lines; the file is begun anew',
    )
    parser.add_argument(
        '--json',
        action='store_true',
        help='print findings as JSON lines, and nothing else',
    )
    parser.add_argument(
        '--state',
        type=pathlib.Path,
        metavar='FOLDER',
        help='keep bus, spool, baselines and history there (default:'
        ' /var/lib/kvm-insight, or ~/.local/state/kvm-insight when not root)',
    )
    parser.add_argument(
        '--no-store',
        action='store_true',
        help='keep no history in a database, and show no dashboard',
    )
    parser.add_argument(
        '--no-dashboard',
        action='store_true',
        help='do not listen for browsers',
    )
    parser.add_argument(
        '--title', default='', help='put this before each line'
    )
    _add_overrides(parser)
    parser.set_defaults(func=run)


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    """Let the most wanted options be given without a file."""
    for switch, option, what in (
        ('--uri', 'libvirt_uri', 'which libvirt to ask'),
        ('--run-dir', 'run_dir', "libvirt's pid files"),
        ('--host', 'host', "this host's name"),
        ('--mapping-file', 'mapping_file', 'whose domains are whose'),
        ('--ledger', 'ledger', 'auto, ebpf or sampled'),
        ('--interval', 'interval_s', 'seconds between two samples'),
    ):
        parser.add_argument(
            switch,
            dest=f'override_{option}',
            metavar=switch.rpartition('-')[2].upper(),
            help=f'{what} ([agent] {option})',
        )


def run(args: argparse.Namespace) -> int:
    """Work until the time is over or a signal comes."""
    loaded = service.configure(args, quiet=True)
    _override(loaded, args)
    with contextlib.ExitStack() as stack:
        tell = narrator.Narrator(
            sys.stdout,
            as_json=args.json,
            title=f'{args.title} ' if args.title else '',
        )
        takers = [tell.finding]
        if args.findings:
            file = stack.enter_context(narrator.open_findings(args.findings))
            takers.append(file.finding)
        stop = service.stop_on_signals()
        bus = stack.enter_context(service.open_bus(loaded))
        store, transport = stack.enter_context(
            agent_command.open_store(loaded, bus)
        )
        expose = stack.enter_context(scraping.agent(loaded, transport))
        whole = standalone.Standalone(lambda: store.pending == 0)

        def on_sample(now: sample.Sample) -> None:
            whole.began()
            tell.sample(now)
            expose(now)

        watcher = agent.Agent(
            agent_command.settings(loaded),
            store,
            notify=systemd.Notifier(),
            on_sample=on_sample,
        )
        whole.add('agent', watcher)
        stack.enter_context(agent_command.orders(loaded, bus, watcher))
        rules = analyzer_options.settings(loaded)
        whole.add('adviser', adviser.Adviser(bus, rules))
        judge = analyzer.Analyzer(
            bus,
            rules,
            on_finding=narrator.both(*takers),
        )
        whole.add('analyzer', judge)
        stack.enter_context(scraping.analyzer(loaded, lambda: judge.signs))
        source = cluster_source.of(loaded)
        if source is not None:
            found = stack.enter_context(source(bus))
            feeds = stack.enter_context(feeding.crew_of(loaded, bus, found))
            plans = planner.Planner(
                bus,
                planner_options.settings(loaded),
                found.read,
                tell.recommendation,
                feeds,
                found.confirm,
            )
            whole.add('planner', plans)
            stack.enter_context(scraping.planner(loaded, lambda: plans.signs))
        _keep_history(loaded, args, stack, whole, bus, tell)
        signal.signal(signal.SIGHUP, lambda *_: watcher.request_reload())
        whole.run(stop, args.limit_s)
    return service.OK


def _keep_history(
    loaded: cfg.ConfigOpts,
    args: argparse.Namespace,
    stack: contextlib.ExitStack,
    whole: standalone.Standalone,
    bus: port.Bus,
    tell: narrator.Narrator,
) -> None:
    """Let a recorder write, and pages show it, as far as that is wanted."""
    if args.no_store or not store_command.is_installed():
        return
    kept = stack.enter_context(store_command.recording(loaded, bus))
    whole.add('recorder', kept)
    if args.no_dashboard or not site.is_installed():
        return
    answers = stack.enter_context(site.answering(loaded, bus))
    whole.add('api', answers)
    token = loaded[api_options.GROUP].token_file
    tell.say(
        f'dashboard: http://127.0.0.1:{answers.port}/ (sign in with the token'
        f' in {token})'
    )


def _override(loaded: cfg.ConfigOpts, args: argparse.Namespace) -> None:
    """Put switches over the file; one machine has its own bus."""
    folder = args.state or _default_state()
    try:
        private.folder(folder)
    except OSError as why:
        raise exception.ConfigError(
            f'--state {folder}: {why.strerror}; name a folder that you may'
            ' write to'
        ) from why
    values = {
        option.name: getattr(args, f'override_{option.name}', None)
        for option in agent_options.OPTIONS
    }
    for name, value in values.items():
        if value is not None:
            _set(loaded, agent_options.GROUP, name, value)
    # Nobody else's topics are in the way.
    _set(loaded, agent_options.GROUP, 'tell_config', 'true')
    bus = bus_options.GROUP
    _set(loaded, bus, 'driver', 'embedded')
    _set(loaded, bus, 'path', str(folder / 'bus.db'))
    _set(loaded, bus, 'spool_path', str(folder / 'spool.db'))
    store = database_options.settings(loaded)
    if store.connection == store_settings.DEFAULT:
        url = store_settings.of(folder)
        _set(loaded, database_options.GROUP, 'connection', url)
    if loaded[api_options.GROUP].token_file == api_options.LOCAL_FILE:
        token = str(folder.absolute() / 'api-token')
        _set(loaded, api_options.GROUP, 'token_file', token)


def _set(loaded: cfg.ConfigOpts, group: str, name: str, value: str) -> None:
    try:
        loaded.set_override(name, value, group)
    except ValueError as why:
        raise exception.ConfigError(
            f'[{group}] {name} = {value}: {why}'
        ) from why


def _default_state() -> pathlib.Path:
    if os.geteuid() == 0:
        return pathlib.Path('/var/lib/kvm-insight')
    base = os.environ.get('XDG_STATE_HOME') or '~/.local/state'
    return pathlib.Path(base).expanduser() / 'kvm-insight'


def _seconds(word: str) -> float:
    seconds = float(word)
    if not 0 < seconds < 1e9:
        raise ValueError(word)
    return seconds
