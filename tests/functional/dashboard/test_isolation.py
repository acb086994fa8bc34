# SPDX-License-Identifier: Apache-2.0
"""No page that a project's members see depends on other projects."""

import random
from collections.abc import Iterator

import hypothesis
from hypothesis import strategies as st

from tests.functional.api import test_isolation as api
from tests.functional.api import worlds

HTML = {'Accept': 'text/html'}
QUERIES = (
    '?days=7',
    '?state=open',
    '?sort_key=severity_cores',
    '?gone=true',
    '?host=region/host-0',
    '?project_id=other-0-1',
    '?project=other-0-1',
    '?limit=1&marker=x',
    '?month=2026-11',
)


def paths(cloud: api.Cloud) -> Iterator[str]:
    """Yield all pages, of own things, others' and what is nowhere."""
    yield from (
        '/',
        '/instances',
        '/findings',
        '/recommendations',
        '/recommendations/recommendation-0',
        '/report',
        '/report/page',
        '/report/instances.csv',
        '/report?project=other-0-1',
        '/advice',
        '/overcommit',
        '/orders',
        '/health',
        f'/hosts/{worlds.name(0)}',
        '/hosts/region/nowhere',
    )
    for uuid in (*cloud.writer.own, cloud.writer.others[0], api.JUNK):
        yield f'/instances/{uuid}'
    found = cloud.site.get('reader', '/v1/findings')['findings']
    for ident in (*(one['id'] for one in found), 'finding-0', 'x'):
        yield f'/findings/{ident}'


@hypothesis.settings(
    max_examples=5,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(
    worlds.worlds(), st.sampled_from(sorted(api.MEMBERS)), st.randoms()
)
def test_no_page_depends_on_another_project(
    world: worlds.World, who: str, chance: random.Random
) -> None:
    one, other = api.written(world, 0), api.written(world, 1)
    for path, alike in zip(paths(one), paths(other), strict=True):
        for query in ('', chance.choice(QUERIES)):
            if query and '?' in path:
                continue
            first = api.told(one.site.ask(who, path + query, headers=HTML))
            second = api.told(other.site.ask(who, alike + query, headers=HTML))
            assert _plain(first, path) == _plain(second, alike), (who, path)
            text = repr(first)
            for secret in worlds.SECRETS:
                assert secret not in text or secret in path + query, (
                    path,
                    secret,
                )


def _plain(answer: tuple[int, object, bytes], path: str) -> object:
    """Return it without what was asked, which differs for what is others'."""
    status, headers, body = answer
    word = path.rpartition('/')[2].encode()
    kept = [
        pair
        for pair in headers  # type: ignore[attr-defined]
        if pair[0] not in ('etag', 'content-length')
    ]
    return status, kept, body.replace(word, b'asked')
