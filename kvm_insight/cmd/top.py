# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight top``: who waits most at this moment, and for whom."""

import argparse
import contextlib
import dataclasses
import json
import shutil
import sys
import time
from collections.abc import Iterable

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.bus import driver, port, tail, topic
from kvm_insight.cmd import ranking, service, table
from kvm_insight.conf import bus as bus_options
from kvm_insight.model import codec, finding, sample

_HOME = '\x1b[H'
_CLEAR_LINE = '\x1b[K'
_CLEAR_REST = '\x1b[J'
_CLEAR = '\x1b[2J'
#: Samples older than this say nothing of now.
_RECENT_S = 120


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'top',
        help='live table of domains: who runs, who waits, and for whom',
        description='RUN and WAIT are cores in the last interval; ITS PART is'
        " the worst aggressor's part of the wait. Reads the bus.",
    )
    parser.add_argument(
        '--once', action='store_true', help='print the table once and end'
    )
    parser.add_argument(
        '--json', action='store_true', help='print rows as JSON instead'
    )
    parser.add_argument('--host', help='this host only')
    parser.add_argument(
        '--state',
        metavar='FOLDER',
        help='look at a standalone that keeps its bus there',
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Show the table until Ctrl-C, or once."""
    loaded = service.configure(args, quiet=True)
    prefix = loaded[bus_options.GROUP].topic_prefix
    with contextlib.ExitStack() as stack:
        bus = open_bus(loaded, args.state)
        stack.callback(bus.close)
        samples = tail.Tail(bus, [prefix + topic.SAMPLES])
        stack.callback(samples.close)
        findings = tail.Tail(bus, [prefix + topic.FINDINGS])
        stack.callback(findings.close)
        ranks = ranking.Ranking(args.host)
        take(ranks, findings.begin(0))
        since_ms = int((time.time() - _RECENT_S) * 1000)
        take(ranks, samples.begin(since_ms))
        if args.once:
            return _once(ranks, as_json=args.json)
        _follow(ranks, samples, findings, as_json=args.json)
    return service.OK


def open_bus(loaded: cfg.ConfigOpts, state: str | None) -> port.Bus:
    """Open the configured bus, or the one of a standalone's folder."""
    if state is not None:
        group = bus_options.GROUP
        loaded.set_override('driver', 'embedded', group)
        loaded.set_override('path', f'{state}/bus.db', group)
    return driver.open_bus(*bus_options.driver_settings(loaded))


def take(ranks: ranking.Ranking, records: Iterable[port.Record]) -> None:
    """Hand records on; what cannot be read is the analyzer's to report."""
    for record in records:
        if record.value is None:
            continue
        with contextlib.suppress(exception.CodecError):
            if codec.schema_of(record.value) == sample.SCHEMA:
                ranks.add_sample(codec.decode(record.value, sample.Sample))
            elif codec.schema_of(record.value) == finding.SCHEMA:
                ranks.add_finding(codec.decode(record.value, finding.Finding))


def _once(ranks: ranking.Ranking, *, as_json: bool) -> int:
    if not ranks.hosts():
        print(
            f'kvm-insight top: no sample in the last {_RECENT_S} s; does an'
            ' agent run, and is [bus] the same as there?',
            file=sys.stderr,
        )
        return service.UNHEALTHY
    print('\n'.join(_lines(ranks, as_json=as_json, width=10_000)))
    return service.OK


def _follow(
    ranks: ranking.Ranking,
    samples: tail.Tail,
    findings: tail.Tail,
    *,
    as_json: bool,
) -> None:
    live = sys.stdout.isatty() and not as_json
    if live:
        sys.stdout.write(_CLEAR)
    new = True
    while True:
        if new or live:
            _show(ranks, live=live, as_json=as_json)
        records = samples.read(1.0)
        take(ranks, findings.read(0.0))
        take(ranks, records)
        new = bool(records)


def _show(ranks: ranking.Ranking, *, live: bool, as_json: bool) -> None:
    columns, height = shutil.get_terminal_size((10_000, 10_000))
    lines = _lines(ranks, as_json=as_json, width=columns)
    if live:
        body = ''.join(f'{x}{_CLEAR_LINE}\n' for x in lines[: height - 1])
        sys.stdout.write(_HOME + body + _CLEAR_REST)
    else:
        sys.stdout.write('\n'.join(lines) + '\n')
    sys.stdout.flush()


def _lines(ranks: ranking.Ranking, *, as_json: bool, width: int) -> list[str]:
    rows = ranks.rows()
    if as_json:
        return [json.dumps([dataclasses.asdict(row) for row in rows])]
    hosts = ranks.hosts()
    now_s = time.time()
    heads = [ranking.headline(h, now_s - h.time_us / 1e6) for h in hosts]
    body = table.render(
        ranking.HEADER,
        [ranking.cells(row, with_host=len(hosts) > 1) for row in rows],
        width,
    )
    return [head[:width] for head in heads[:3]] + ['', *body]
