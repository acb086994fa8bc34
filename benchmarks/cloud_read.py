# SPDX-License-Identifier: Apache-2.0
"""Cloud read: how long our reader takes for a cloud, and for what changed.

1,000 hosts and 30,000 servers in the databases of a real Keystone, Nova and
Placement, each API served by one process. Timed is all from the first request
to the planner's cluster; later, after 1 % of the servers were renamed, moved
or deleted, the poll that follows. What it knows then must be what is read
anew. The yardstick is the same requests over plain HTTP, as many at once as
ours, with nothing done with the answers.
"""

import concurrent.futures
import dataclasses
import pathlib
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import requests

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

from cloud import bed, place, service  # noqa: E402 - the path comes first

from benchmarks import cloud_rows, cloud_sql, report  # noqa: E402
from kvm_insight.cloud import (  # noqa: E402
    assembly,
    client,
    known,
    providers,
    reader,
    settings,
)
from kvm_insight.model import cluster  # noqa: E402

_LEAST_S = 60.0
_TIMES = 1.3


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    service: client.Service
    path: str
    version: str | None


class Counting(client.Client):
    """Keeps what was asked."""

    def __init__(self, asked: settings.Settings) -> None:
        """Ask nobody yet."""
        super().__init__(asked)
        self.asked: list[Asked] = []

    def token(self) -> str:
        """Return a token."""
        return str(self._connection.session.get_token())

    def get(
        self, service: client.Service, path: str, version: str | None = None
    ) -> bytes:
        """Return the answer."""
        self.asked.append(Asked(service, path, version))
        return super().get(service, path, version)


def main() -> int:
    """Make the cloud, read it; print one JSON object."""
    args = report.options(__doc__).parse_args()
    shape = cloud_sql.Shape(1000, 30000)
    if args.quick:
        shape = cloud_sql.Shape(100, 3000)
    with tempfile.TemporaryDirectory(prefix='ki-', dir='/var/tmp') as folder:
        one = bed.Cloud(pathlib.Path(folder))
        try:
            one.serve()
            for name, words in cloud_rows.fill(shape):
                report.say(f'{name}: rows')
                service.sql(one.where, words, name)
            return measured(one.where, shape, args.seed)
        finally:
            one.down()


def measured(where: place.Place, shape: cloud_sql.Shape, seed: int) -> int:
    """Read it all; print the result."""
    asked = settings.Settings(
        auth_type='v3password',
        auth={
            'auth_url': where.url('keystone'),
            'username': 'admin',
            'password': where.secret('admin'),
            'project_name': 'admin',
            'user_domain_name': 'Default',
            'project_domain_name': 'Default',
        },
        timeout_s=120.0,
    )
    with Counting(asked) as ask:
        one = reader.Reader(ask)
        # All have opened their databases, and know our token.
        warm(ask)
        found, read_s, cpu_s, sent = timed(ask, one.sweep)
        whole = assembly.assembled(found, 'host-model', None)
        first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        report.say(f'read in {read_s:.1f} s, {cpu_s:.1f} s of our CPU')
        for name, words in cloud_rows.change(shape):
            service.sql(where, words, name)
        time.sleep(1)
        later, poll_s, _, told = timed(ask, lambda: one.poll(found))
        used_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        report.say(f'polled in {poll_s:.1f} s, {len(told)} requests')
        quiet, quiet_s, _, few = timed(ask, lambda: one.poll(later))
        wrong = differences(quiet, one.sweep())
        bare_s = bare(where, ask.token(), sent)
    figures = {
        'read_s': read_s,
        'read_over_bare': read_s / bare_s,
        'hosts': len(whole.hosts),
        'servers': len(whole.instances),
        'requests': len(sent),
        'our_cpu_s': cpu_s,
        'memory_mib': used_kib / 1024,
        'memory_after_read_mib': first / 1024,
        'poll_s': poll_s,
        'poll_requests': len(told),
        'next_poll_s': quiet_s,
        'next_poll_requests': len(few),
        'differences': wrong,
    }
    bound = max(_LEAST_S, _TIMES * bare_s)
    return report.tell(
        'A cloud of 1,000 hosts and 30,000 servers is read within a minute,'
        ' or 1.3 times what the bare requests take',
        figures,
        {
            'read_s': report.Bound(most=bound),
            'hosts': report.Bound(shape.hosts, shape.hosts),
            'servers': report.Bound(shape.servers, shape.servers),
            'differences': report.Bound(most=0),
        },
        {'bare_requests': {'s': bare_s, 'at_once': providers.AT_ONCE + 1}},
        seed,
        quick=shape.hosts < 1000,
    )


def warm(ask: client.Client) -> None:
    """Let each service answer once."""
    ask.get('identity', '/projects')
    ask.get('compute', '/servers/detail?all_tenants=1&limit=1', '2.90')
    ask.get('placement', '/traits', '1.36')


def timed(
    ask: Counting, work: Callable[[], known.Known]
) -> tuple[known.Known, float, float, Sequence[Asked]]:
    """Return what was read, seconds, seconds of CPU, and the requests."""
    ask.asked = []
    start = time.perf_counter(), time.process_time()
    found = work()
    assembly.assembled(found, 'host-model', None)
    return (
        found,
        time.perf_counter() - start[0],
        time.process_time() - start[1],
        list(ask.asked),
    )


def differences(one: known.Known, other: known.Known) -> int:
    """Return how many hosts and instances are not the same."""

    def parts(read: known.Known) -> dict[str, object]:
        whole: cluster.Cluster = assembly.assembled(read, 'host-model', None)
        return {x.name: x for x in whole.hosts} | {
            x.uuid: x for x in whole.instances
        }

    here, there = parts(one), parts(other)
    return sum(
        here.get(name) != there.get(name) for name in here.keys() | there
    )


def bare(where: place.Place, token: str, sent: Sequence[Asked]) -> float:
    """Return the seconds that the same requests take."""
    of_placement = [one for one in sent if one.service == 'placement']
    others = [one for one in sent if one.service != 'placement']
    start = time.perf_counter()
    beside = threading.Thread(target=plain, args=(where, token, others))
    beside.start()
    with concurrent.futures.ThreadPoolExecutor(providers.AT_ONCE) as pool:
        parts = [
            of_placement[number :: providers.AT_ONCE]
            for number in range(providers.AT_ONCE)
        ]
        list(pool.map(lambda part: plain(where, token, part), parts))
    beside.join()
    taken_s = time.perf_counter() - start
    report.say(f'bare requests: {taken_s:.1f} s')
    return taken_s


_NAMES = {
    'identity': 'keystone',
    'compute': 'nova',
    'placement': 'placement',
}


def plain(where: place.Place, token: str, sent: Iterable[Asked]) -> None:
    """Ask, and throw the answers away."""
    with requests.Session() as http:
        http.trust_env = False
        for one in sent:
            headers = {'X-Auth-Token': token}
            if one.version is not None:
                words = f'{one.service} {one.version}'
                headers['OpenStack-API-Version'] = words
            url = where.url(_NAMES[one.service]) + one.path
            http.get(url, headers=headers, timeout=300).raise_for_status()


if __name__ == '__main__':
    sys.exit(main())
