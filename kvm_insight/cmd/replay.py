# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight replay``: draws the findings of a recording again."""

import argparse
import contextlib
import pathlib
import sys
from collections.abc import Callable, Iterable, Iterator

import zstandard

from kvm_insight import exception
from kvm_insight.cmd import narrator, service
from kvm_insight.conf import analyzer as options
from kvm_insight.detect import cohorts, settings, shard
from kvm_insight.model import codec, finding, recording, state

Taker = Callable[[finding.Finding], None]


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'replay',
        help='draw the findings of a recording again',
        description='Reads what kvm-insight record wrote. The findings are'
        ' the same bytes each time, and the same as live.',
    )
    parser.add_argument('file', type=pathlib.Path, metavar='FILE')
    parser.add_argument(
        '--json', action='store_true', help='print findings as JSON lines'
    )
    parser.add_argument(
        '--findings',
        type=pathlib.Path,
        metavar='OUT',
        help='write findings there as JSON lines',
    )
    parser.add_argument(
        '--title', default='', help='put this before each line'
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print what the analyzer would have said."""
    rules = options.rules(service.configure(args))
    replay = Replay(rules)
    with contextlib.ExitStack() as stack:
        lines = stack.enter_context(_open(args.file))
        takers = [_printer(args.title, as_json=args.json)]
        if args.findings:
            kept = stack.enter_context(narrator.open_findings(args.findings))
            takers.append(kept.finding)
        for found in replay.findings(lines):
            for take in takers:
                take(found)
    print(f'{args.file}: {replay.told()}', file=sys.stderr)
    return service.OK


class Replay:
    """Feeds a recording to detectors as the analyzer does."""

    def __init__(self, rules: settings.Settings) -> None:
        self.samples = 0
        self.damaged = 0
        self._rules = rules
        self._usual = cohorts.Cohorts()
        self._shards: dict[int, shard.Shard] = {}

    def findings(self, lines: Iterable[bytes]) -> Iterator[finding.Finding]:
        """Return all findings in the order of the samples.

        Raises RecordDamaged for what is no recording; a damaged record in a
        recording is skipped and counted, as it was when it was live.
        """
        for number, line in enumerate(lines, 1):
            try:
                one = recording.read(line)
            except exception.CodecError as why:
                raise exception.RecordDamaged(
                    f'line {number} is not from a recording: {why}'
                ) from why
            held = self._shards.setdefault(
                one.partition,
                shard.Shard(self._rules, 0, usual=self._usual),
            )
            try:
                yield from self._take(held, one)
            except (exception.CodecError, ValueError):
                self.damaged += 1

    def _take(
        self, held: shard.Shard, one: recording.Recorded
    ) -> list[finding.Finding]:
        content = one.content()
        if one.kind == 'state':
            held.restore(codec.decode(content or b'', state.HostState))
            return []
        if one.kind == 'inventory':
            self._usual.take(one.key, content)
            return []
        self.samples += 1
        return held.consume(one.offset, one.key, content)

    def told(self) -> str:
        """Return how much that was."""
        return f'{self.samples} samples, {self.damaged} of no use'


def _printer(title: str, *, as_json: bool) -> Taker:
    begin = f'{title} ' if title else ''

    def take(found: finding.Finding) -> None:
        if as_json:
            print(codec.encode(found).decode())
        elif found.state != 'update':
            print(f'{begin}{narrator.words(found)}')

    return take


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[Iterable[bytes]]:
    """Open a recording, compressed or not."""
    try:
        file = path.open('rb')
    except OSError as why:
        raise exception.ConfigError(
            f'{path}: {why.strerror}; name a recording'
        ) from why
    with file:
        if file.peek(4)[:4] != zstandard.FRAME_HEADER:
            yield _lines(iter(lambda: file.read(1 << 20), b''))
            return
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        yield _lines(iter(lambda: reader.read(1 << 20), b''))


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Return whole lines; a last one that was cut off is left out."""
    rest = b''
    for block in blocks:
        *whole, rest = (rest + block).split(b'\n')
        yield from whole
        if len(rest) > recording.LARGEST:
            raise exception.RecordDamaged(
                f'a line over {recording.LARGEST} bytes'
            )
