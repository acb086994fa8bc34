# SPDX-License-Identifier: Apache-2.0
"""How fast the dashboard's pages come where there are a thousand hosts.

Each page is asked for many times by one who looks and by several at once;
then a real Chromium says when it first paints the map, and how long it is
from an answer to a page that stands still. ``--quick`` has a hundred hosts
in SQLite; else they are in a PostgreSQL of its own.
"""

import concurrent.futures
import contextlib
import http.client
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from urllib import parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
sys.path.insert(
    0, str(pathlib.Path(__file__).resolve().parent.parent / 'tools')
)

from database import postgresql
from screen import browser, site

from benchmarks import dashboard_rows, report
from kvm_insight.api import session
from kvm_insight.store import engine, settings

PAGES = {
    'cluster': '/',
    'cluster_of_a_zone': '/?availability_zone=zone-1&group=zone',
    'host': '/hosts/{host}',
    'host_of_a_month': '/hosts/{host}?days=30',
    'instances': '/instances',
    'instance': '/instances/{instance}',
    'instance_of_a_month': '/instances/{instance}?days=30',
    'findings': '/findings',
    'worst_findings': '/findings?state=open&sort_key=severity_cores',
    'finding': '/findings/finding-0',
    'recommendations': '/recommendations',
    'advice': '/advice',
    'overcommit': '/overcommit',
    'orders': '/orders',
    'health': '/health',
}
REACH = {
    'first_paint_median_s': report.Bound(most=1.5),
    'request_p95_ms': report.Bound(most=300.0),
}


@contextlib.contextmanager
def served(quick: bool, seed: int) -> Iterator[site.Site]:
    """Give the site over a store that is filled."""
    hosts = 100 if quick else 1000
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory())
        )
        url = f'sqlite:///{folder}/store.db'
        if not quick:
            server = postgresql.Postgresql(
                fsync='off', synchronous_commit='off'
            )
            stack.callback(server.wipe)
            server.up()
            url = server.create('dashboard')
        database = engine.connect(settings.Settings(connection=url))
        began = time.monotonic()
        dashboard_rows.fill(database, hosts, seed)
        database.dispose()
        report.say(f'{hosts} hosts in {time.monotonic() - began:.0f} s')
        yield stack.enter_context(
            site.serving(
                folder, lambda _: None, dashboard_rows.NOW_US, url=url
            )
        )


def asked(url: str, path: str) -> float:
    """Return how long a page takes, in ms; it must be well."""
    way = http.client.HTTPConnection(parse.urlsplit(url).netloc, timeout=30)
    cookie = f'{session.COOKIE}={site.TOKENS["operator"]}'
    began = time.perf_counter()
    way.request('GET', path, headers={'Accept': 'text/html', 'Cookie': cookie})
    answer = way.getresponse()
    answer.read()
    took_ms = (time.perf_counter() - began) * 1000
    way.close()
    assert answer.status == 200, (path, answer.status)
    return took_ms


def p95(values: list[float]) -> float:
    """Return what only one in twenty exceeds."""
    return statistics.quantiles(values, n=20, method='inclusive')[-1]


def one_by_one(
    url: str, times: int
) -> tuple[dict[str, list[float]], dict[str, float]]:
    """Return page -> how long it took, each time another host's, and how
    much of the CPU's time, which other work on the machine does not change;
    the database's is not in it."""
    found: dict[str, list[float]] = {}
    cpu_ms: dict[str, float] = {}
    for page, path in PAGES.items():
        began = time.process_time()
        for number in range(times + 2):
            host = number % dashboard_rows.LOOKED_AT
            took_ms = asked(
                url,
                path.format(
                    host=dashboard_rows.name(host),
                    instance=dashboard_rows.uuid(
                        host * dashboard_rows.ON_A_HOST
                    ),
                ),
            )
            if number >= 2:
                found.setdefault(page, []).append(took_ms)
        took = (time.process_time() - began) * 1000 / (times + 2)
        cpu_ms[page] = round(took, 1)
        report.say(f'{page}: p95 {p95(found[page]):.0f} ms, CPU {took:.0f} ms')
    return found, cpu_ms


def at_once(url: str, times: int) -> list[float]:
    """Return how long the map takes where four poll it together."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: asked(url, '/'), range(times)))


def painted(url: str, times: int) -> list[float]:
    """Return when the map is first painted, in seconds, nothing cached."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        driver = browser.started(pathlib.Path(folder))
        try:
            screen = browser.Browser(driver, url)
            screen.become(site.TOKENS['operator'])
            screen.say('Network.setCacheDisabled', cacheDisabled=True)
            for _ in range(times):
                screen.look('/')
                screen.wait(
                    'return performance.getEntriesByName('
                    "'first-contentful-paint').length"
                )
                paint_ms = screen.run(
                    'return performance.getEntriesByName('
                    "'first-contentful-paint')[0].startTime"
                )
                found.append(float(paint_ms) / 1000)
        finally:
            driver.quit()
    return found


def main() -> int:
    """Measure."""
    chosen = report.options(__doc__).parse_args()
    times = 10 if chosen.quick else 40
    with served(chosen.quick, chosen.seed) as found:
        pages, cpu_ms = one_by_one(found.url, times)
        together = at_once(found.url, times)
        paints = painted(found.url, 5 if chosen.quick else 11)
    by_page = {page: round(p95(took), 1) for page, took in pages.items()}
    worst = max(by_page, key=lambda page: by_page[page])
    return report.tell(
        'Pages of a thousand hosts come at once',
        {
            'first_paint_median_s': round(statistics.median(paints), 3),
            'first_paint_worst_s': round(max(paints), 3),
            'request_p95_ms': by_page[worst],
            'cluster_by_four_at_once_p95_ms': round(p95(together), 1),
        },
        REACH,
        {},
        chosen.seed,
        groups=by_page,
        cpu_ms=cpu_ms,
        worst=worst,
    )


if __name__ == '__main__':
    sys.exit(main())
