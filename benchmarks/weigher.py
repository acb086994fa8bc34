# SPDX-License-Identifier: Apache-2.0
"""Weigher: what our weigher and filter add to a scheduling request.

Nova's own weight and filter handlers, and 1,000 of its host states, of which
200 are hot and a few marked. Timed is what ours adds to one request: weights
of all hosts with their multipliers, and the pass of the filter; the worst of
all requests between two writes of the snapshot counts as a request, and so
does the one that reads a snapshot anew. The yardstick is Nova's RAMWeigher on
the same hosts.

Runs in the environment of Nova that the tests have, and installs it first.
"""

import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import neighbours  # noqa: E402 - the path comes first

from benchmarks import report  # noqa: E402

HOSTS = 1000
HOT = 200
MARKED = 20


def main() -> int:
    """Measure, in Nova's own environment; print one JSON object."""
    args = report.options(__doc__).parse_args()
    if importlib.util.find_spec('nova') is None:
        python = str(neighbours.python('nova'))
        words = [python, '-W', 'ignore', __file__, *sys.argv[1:]]
        return subprocess.run(words, check=False).returncode
    requests = 100 if args.quick else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / 'nova.json'
        return told(measured(path, requests), args.seed)


def measured(path: pathlib.Path, requests: int) -> dict[str, list[float]]:
    """Return what was timed -> seconds of each request."""
    import nova.conf
    from nova import objects
    from nova.scheduler import filters, host_manager, weights
    from nova.scheduler.weights import ram

    from kvm_insight.feed import nova_weigher

    nova.conf.CONF([], default_config_files=[])
    nova.conf.CONF.set_override('snapshot_path', str(path), 'kvm_insight')
    objects.register_all()
    zone, fast = (
        objects.Aggregate(id=1, name=name, hosts=[], metadata={name: 'x'})
        for name in ('availability_zone', 'ssd')
    )
    hosts = []
    for number in range(HOSTS):
        one = host_manager.HostState(f'c{number}', f'c{number}', None)
        one.free_ram_mb = 1024 + number
        # As its availability zone, and one more.
        one.aggregates = [zone, fast] if number % 2 else [zone]
        hosts.append(one)
    handler = weights.HostWeightHandler()
    weighed = [handler.object_class(one, 0.0) for one in hosts]
    ours, theirs = nova_weigher.HotHostWeigher(), ram.RAMWeigher()
    refuse = nova_weigher.HotHostFilter()
    spec: Any = None

    def weigh(one: Any) -> Callable[[], object]:
        def work() -> object:
            found = one.weigh_objects(weighed, spec)
            return [
                one.weight_multiplier(x.obj) * y
                for x, y in zip(weighed, found, strict=True)
            ]

        return work

    def passed() -> object:
        return filters.HostFilterHandler().get_filtered_objects(
            [refuse], hosts, spec
        )

    write(path)
    found: dict[str, list[float]] = {
        'weigher': timed(weigh(ours), requests),
        'filter': timed(passed, requests),
        'nova_ram': timed(weigh(theirs), requests),
        'reading': [],
    }
    for _ in range(requests // 10):
        write(path)
        found['reading'] += timed(weigh(ours), 1)
    return found


def timed(work: Callable[[], object], requests: int) -> list[float]:
    """Return the CPU seconds of each request."""
    found = []
    for _ in range(requests):
        begin = time.thread_time()
        work()
        found.append(time.thread_time() - begin)
    return found


def write(path: pathlib.Path) -> None:
    """Write a snapshot as kvm-insight-feed does."""
    content = {
        'schema': 'kvm_insight.snapshot/1',
        'written_us': time.time_ns() // 1000,
        'hosts': {
            f'c{number}': {'heat': number / HOT, 'marked': number < MARKED}
            for number in range(HOT)
        },
    }
    fresh = path.with_suffix('.new')
    fresh.write_text(json.dumps(content))
    fresh.rename(path)


def told(found: dict[str, list[float]], seed: int) -> int:
    """Print the result; return the exit code."""

    def ms(name: str, part: float) -> float:
        return 1000 * ranked(found[name], part)

    figures = {
        'added_ms': ms('weigher', 0.5) + ms('filter', 0.5),
        'weigher_ms': ms('weigher', 0.5),
        'weigher_p99_ms': ms('weigher', 0.99),
        'filter_ms': ms('filter', 0.5),
        'reading_ms': ms('reading', 0.5),
        'hosts': HOSTS,
    }
    return report.tell(
        'Our weigher adds less than a millisecond to a request',
        figures,
        {
            'weigher_ms': report.Bound(most=1.0),
            'reading_ms': report.Bound(most=1.0),
        },
        {'nova_ram_weigher_ms': ms('nova_ram', 0.5)},
        seed,
    )


def ranked(values: Sequence[float], part: float) -> float:
    """Return the value that this part of all does not exceed."""
    if part == 0.5:
        return statistics.median(values)
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


if __name__ == '__main__':
    sys.exit(main())
