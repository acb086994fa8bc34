# SPDX-License-Identifier: Apache-2.0
"""What others read of a planner, held against the schema that we publish."""

import json
import pathlib
from collections.abc import Iterable

import jsonschema

from kvm_insight.bus import publisher
from kvm_insight.feed import port, topic, webhook
from kvm_insight.model import codec, mark, notice
from tests import serving
from tests.functional.planner import conftest, test_feeds
from tests.unit.feed import test_notices as receiving

ROOT = pathlib.Path(__file__).parents[3]
SCHEMA = json.loads(
    (ROOT / 'doc/source/reference/schema/notice.json').read_text()
)


def nobody(name: str, key: str, value: bytes) -> None:
    raise AssertionError(name)


def valid(body: bytes) -> notice.Notice:
    """Return what is in it, which is as the schema says."""
    found = json.loads(body)
    check = jsonschema.Draft202012Validator(SCHEMA)
    check.validate(found)
    # Not because the schema lets anything pass.
    for name in SCHEMA['$defs']['Notice']['required']:
        assert not check.is_valid({**found, name: None})
    return codec.decode(body, notice.Notice)


def marks_in(found: Iterable[notice.Notice]) -> list[mark.Marks]:
    return [one.marks for one in found if one.marks is not None]


def is_over(bodies: Iterable[bytes]) -> bool:
    """Say whether hosts were marked, and none is any more."""
    told = marks_in(codec.decode(one, notice.Notice) for one in bodies)
    return len(told) > 1 and not told[-1].hosts


def test_notices_on_topic_and_webhook_are_as_the_schema_says(
    bench: conftest.Bench,
) -> None:
    feed = test_feeds.Recorder()
    out = publisher.Publisher(bench.bus, bench.prefix)
    with serving.serving(receiving.Receiver()) as receiver:
        feeds: dict[str, port.Feed] = {
            'topic': topic.Topic({}, out.publish),
            'webhook': webhook.Webhook({'webhook_url': receiver.url}, nobody),
        }
        with test_feeds.planning(bench, feed, **feeds):
            bench.wait_for(lambda: feed.marked == ['r/0', 'r/1'])
            test_feeds.cool(bench)
            bench.wait_for(lambda: is_over(bench.records('notices')))
            bench.wait_for(lambda: is_over(x[-1] for x in receiver.got))
    out.close()
    posted = [valid(body) for _, _, body in receiver.got]
    on_topic = [valid(body) for body in bench.records('notices')]
    for found in (posted, on_topic):
        told = marks_in(found)
        assert [one.host for one in told[0].hosts] == ['r/0', 'r/1']
        assert [one.held for one in told[0].alarms] == [['r/2']]
        moves = [one.recommendation for one in found if one.recommendation]
        assert any(one.moves for one in moves)
    # One that its sender was not sure of comes again, with the same id.
    assert {one.id for one in posted} == {one.id for one in on_topic}


def test_a_dry_run_has_the_text_that_would_be_sent(
    bench: conftest.Bench,
) -> None:
    feed = test_feeds.Recorder()
    with test_feeds.planning(bench, feed):
        bench.wait_for(lambda: feed.marked == ['r/0', 'r/1'])
    first = next(one for one in feed.told if one.changed)
    address = f'https://example.org:8443/hook/{receiving.SECRET}?x=1'
    hook = webhook.Webhook({'webhook_url': address}, nobody)
    posts = list(hook.would(first))
    assert len(posts) == len(first.changed) + 1
    start = 'POST to example.org: '
    for line in posts:
        assert line.startswith(start + '{"schema":"kvm_insight.notice/1",')
        assert receiving.SECRET not in line
    bodies = [line.removeprefix(start) for line in posts]
    kinds = [valid(body.encode()).kind for body in bodies]
    assert kinds == ['recommendation'] * len(first.changed) + ['marks']
    on_topic = topic.Topic({}, nobody)
    assert list(on_topic.would(first)) == [
        f'publish on notices: {body}' for body in bodies
    ]
