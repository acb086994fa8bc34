# SPDX-License-Identifier: Apache-2.0
"""Guests that come and go: each is told with its project, nothing grows.

100 real domains are created and destroyed within ten minutes under a private
libvirtd, the agent as shipped beside them. Identity is what counts, so the
guests stand still before their first instruction.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from lab import daemon, guest, tiny  # noqa: E402 - the path comes first

from kvm_insight import exception  # noqa: E402
from kvm_insight.bus import embedded  # noqa: E402
from kvm_insight.model import codec, sample  # noqa: E402

INTERVAL_S = 10.0
#: So many live at the same time, a few more than a small host has.
ALIVE = 8
AGENT = (
    'import sys; from kvm_insight.cmd import agent;'
    ' sys.exit(agent.main(sys.argv[1:]))'
)


class Life:
    """One domain: who it is, from when to when it was there."""

    def __init__(self, new: guest.Guest, begin_s: float) -> None:
        self.guest = new
        self.begin_s = begin_s
        self.end_s = 0.0


def main() -> int:
    """Play the churn; print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--traces', help='not used: the domains are real')
    args = parser.parse_args()
    count, seconds = (20, 110.0) if args.quick else (100, 580.0)
    folder = pathlib.Path(tempfile.mkdtemp(prefix='churn-'))
    lab = daemon.Lab(folder / 'lab')
    child = None
    try:
        lab.up()
        child = _start_agent(lab, folder)
        time.sleep(2 * INTERVAL_S + 2)
        before = _size(child.pid)
        lives = _play(lab, count, seconds, random.Random(args.seed))
        time.sleep(2 * INTERVAL_S)
        after = _size(child.pid)
        samples = _samples(folder)
    finally:
        if child is not None:
            child.terminate()
            child.wait()
        lab.down()
        shutil.rmtree(folder, ignore_errors=True)
    return _report(args.seed, lives, samples, before, after)


def _play(
    lab: daemon.Lab, count: int, seconds: float, dice: random.Random
) -> list[Life]:
    """Create and destroy; lives are from a few seconds to a minute."""
    lives: list[Life] = []
    alive: list[Life] = []
    begin = time.monotonic()
    for number in range(count):
        due = begin + seconds * number / count
        time.sleep(max(0.0, due - time.monotonic()))
        while len(alive) >= ALIVE:
            _end(lab, alive.pop(dice.randrange(len(alive))))
        new = guest.Guest(f'c{number}', '0-1', '1:0', memory_mib=16)
        tiny.start(lab, new)
        alive.append(Life(new, time.time()))
        lives.append(alive[-1])
        if number % 10 == 9:
            _say(f'{number + 1} domains created')
    for life in alive:
        _end(lab, life)
    return lives


def _end(lab: daemon.Lab, life: Life) -> None:
    life.end_s = time.time()
    lab.stop(life.guest.name)


def _start_agent(
    lab: daemon.Lab, folder: pathlib.Path
) -> subprocess.Popen[bytes]:
    config = folder / 'agent.conf'
    config.write_text(
        f'[agent]\nlibvirt_uri = {lab.uri}\nrun_dir = {lab.pid_folder}\n'
        f'[bus]\npath = {folder}/bus.db\nspool_path = {folder}/spool.db\n'
    )
    words = [sys.executable, '-c', AGENT, '--config-file', str(config)]
    return subprocess.Popen(words, stderr=subprocess.DEVNULL)


def _samples(folder: pathlib.Path) -> list[sample.Sample]:
    bus = embedded.connect({'path': str(folder / 'bus.db')})
    consumer = bus.consumer(['kvm-insight.samples'])
    found: list[sample.Sample] = []
    quiet = 0
    while quiet < 5:
        try:
            records = consumer.poll(0.2)
        except exception.BusError:
            records = []
        quiet = 0 if records else quiet + 1
        found += [codec.decode(r.value or b'', sample.Sample) for r in records]
    consumer.close()
    bus.close()
    return found


def _size(pid: int) -> tuple[int, float, int]:
    """Return descriptors, MiB of memory and threads of the agent."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
    values = dict(line.split(':\t', 1) for line in status if ':\t' in line)
    rss = int(values['VmRSS'].split()[0]) / 1024
    fds = len(list(pathlib.Path(f'/proc/{pid}/fd').iterdir()))
    return fds, rss, int(values['Threads'])


def _report(
    seed: int,
    lives: list[Life],
    samples: list[sample.Sample],
    before: tuple[int, float, int],
    after: tuple[int, float, int],
) -> int:
    seen: dict[str, set[tuple[str, str]]] = {}
    doubled = 0
    for one in samples:
        doubled += len(one.domains) - len({d.uuid for d in one.domains})
        for domain in one.domains:
            seen.setdefault(domain.uuid, set()).add(
                (domain.name, domain.identity.project_id)
            )
    long = [x for x in lives if x.end_s - x.begin_s >= 2 * INTERVAL_S]
    missed = [x for x in long if _truth(x) not in seen.get(x.guest.uuid, ())]
    mixed = [
        x
        for x in lives
        if not seen.get(x.guest.uuid, set())
        <= {_truth(x), (x.guest.name, 'unassigned')}
    ]
    strangers = seen.keys() - {x.guest.uuid for x in lives}
    figures = {
        'domains': len(lives),
        'lived_two_intervals': len(long),
        'missed': len(missed),
        'mixed_up': len(mixed) + len(strangers) + doubled,
        'left_in_last_sample': len(samples[-1].domains),
        'descriptors_grown': after[0] - before[0],
        'threads_grown': after[2] - before[2],
        'rss_grown_mib': round(after[1] - before[1], 1),
        'rss_mib': round(after[1], 1),
    }
    reach = {
        'missed': 0,
        'mixed_up': 0,
        'left_in_last_sample': 0,
        'descriptors_grown': 0,
        'threads_grown': 0,
        # Caches of Python and SQLite fill up once.
        'rss_grown_mib': 6,
        'rss_mib': 64,
    }
    commit = subprocess.run(
        ['git', 'rev-parse', 'HEAD'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    result = {
        'claim': 'Each guest is told with its project, and nothing grows',
        'figures': figures,
        'reach': reach,
        'yardstick': {},
        'seed': seed,
        'commit': commit,
    }
    print(json.dumps(result, indent=1))
    return int(any(figures[name] > most for name, most in reach.items()))


def _truth(life: Life) -> tuple[str, str]:
    return life.guest.name, life.guest.project_id


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == '__main__':
    sys.exit(main())
