# SPDX-License-Identifier: Apache-2.0
"""Notices on a topic and posted to a real HTTP server."""

import dataclasses
import hashlib
import hmac
import http.server
import json
import logging
import socket
import time
from collections.abc import Iterator

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.feed import crew, notices, port, topic, webhook
from kvm_insight.model import codec, mark, notice
from tests import serving
from tests.unit.feed import test_files as files

SECRET = 'not-for-any-log'


def publish(name: str, key: str, value: bytes) -> None:
    raise AssertionError(name)


def yes() -> bool:
    return True


def marks(*hosts: str, held: tuple[str, ...] = ()) -> mark.Marks:
    return mark.Marks(
        time_us=1,
        hosts=[mark.Mark(host=x, heat=0.9, since_us=1) for x in hosts],
        alarms=[mark.Alarm(hosts=5, allowed=1, held=list(held))]
        if held
        else [],
    )


def told(
    time_us: int = 1000, generation: int = 1, **more: object
) -> port.Told:
    return dataclasses.replace(port.Told(generation, time_us), **more)  # type: ignore[arg-type]


def kinds(made: notices.Notices, now: port.Told) -> list[str]:
    return [one.kind for one in made.of(now)]


def test_marks_are_told_when_they_change_and_not_before() -> None:
    made = notices.Notices()
    assert kinds(made, told(1, marks=marks())) == []
    assert kinds(made, told(2, marks=marks('a'))) == ['marks']
    assert kinds(made, told(3, marks=marks('a'))) == []
    assert kinds(made, told(4, marks=None)) == []
    assert kinds(made, told(5, marks=marks('a', held=('b',)))) == ['marks']
    assert kinds(made, told(6, marks=marks())) == ['marks']
    assert kinds(made, told(7, marks=marks())) == []


def test_marks_that_nobody_took_are_told_again() -> None:
    made = notices.Notices()
    for one in made.of(told(1, marks=marks('a'))):
        assert one.kind == 'marks'
        break
    assert kinds(made, told(2, marks=marks('a'))) == ['marks']
    assert kinds(made, told(3, marks=marks('a'))) == []


def test_another_planner_tells_a_recommendation_under_the_same_id() -> None:
    one = files.made()
    (first,) = notices.Notices().of(told(1, 3, changed=[one]))
    later = msgspec.structs.replace(one, generation=9)
    (second,) = notices.Notices().of(told(2, 9, changed=[later]))
    assert first.id == second.id
    assert (first.generation, second.generation) == (3, 9)
    approved = files.made(state='approved')
    (third,) = notices.Notices().of(told(3, 9, changed=[approved]))
    assert third.id != first.id


def test_the_topic_gets_each_notice_once_also_after_a_failure() -> None:
    got: list[notice.Notice] = []
    fails = [True]

    def into(name: str, key: str, value: bytes) -> None:
        assert name == 'notices'
        if len(got) == 1 and fails:
            fails.pop()
            raise exception.BusUnavailable('away')
        got.append(codec.decode(value, notice.Notice))
        assert key == got[-1].id

    feed = topic.Topic({}, into)
    now = told(changed=[files.made(id='one'), files.made(id='two')])
    with pytest.raises(exception.BusUnavailable):
        feed.write(now, yes)
    feed.write(now, yes)
    assert [x.recommendation.id for x in got if x.recommendation] == [
        'one',
        'two',
    ]
    assert len(list(feed.would(now))) == 2
    with pytest.raises(exception.LeaseLost):
        feed.write(told(changed=[files.made()]), lambda: False)


class Receiver(http.server.ThreadingHTTPServer):
    """Answers with the codes that it is given, then with 204."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(('127.0.0.1', 0), Handler)
        self.codes: list[int] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.wait_s = 0.0

    @property
    def url(self) -> str:
        return f'http://127.0.0.1:{self.server_port}/hook/{SECRET}?x=1'


class Handler(http.server.BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        size = int(self.headers['Content-Length'])
        body = self.rfile.read(size)
        time.sleep(self.server.wait_s)
        code = self.server.codes.pop(0) if self.server.codes else 204
        if code < 300:
            self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(code)
        if code == 302:
            self.send_header('Location', self.server.url)
        self.end_headers()

    def log_message(self, form: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with serving.serving(Receiver()) as made:
        yield made


def hook(url: str, **more: object) -> webhook.Webhook:
    settings = {'webhook_url': url, 'webhook_timeout_s': 0.5, **more}
    return webhook.Webhook(settings, publish)


def test_a_notice_is_posted_signed(receiver: Receiver) -> None:
    feed = hook(receiver.url, webhook_secret=SECRET)
    feed.write(told(changed=[files.made(id='one')], marks=marks('a')), yes)
    (path, headers, body), (_, _, second) = receiver.got
    assert path == f'/hook/{SECRET}?x=1'
    assert headers['Content-Type'] == 'application/json'
    sign = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert headers[webhook.SIGNATURE] == f'sha256={sign}'
    one = codec.decode(body, notice.Notice)
    assert one.recommendation is not None
    assert one.recommendation.id == 'one'
    assert json.loads(second)['marks']['hosts'][0]['host'] == 'a'


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    hook(receiver.url).write(told(marks=marks('a')), yes)
    assert webhook.SIGNATURE not in receiver.got[0][1]


@pytest.mark.parametrize('code', [408, 429, 500, 503, 302])
def test_what_may_work_later_is_an_error_and_comes_again(
    receiver: Receiver, code: int
) -> None:
    feed = hook(receiver.url)
    now = told(changed=[files.made(id='one'), files.made(id='two')])
    receiver.codes = [200, code]
    with pytest.raises(exception.FeedError, match=str(code)) as caught:
        feed.write(now, yes)
    assert SECRET not in str(caught.value)
    feed.write(now, yes)
    ids = [json.loads(x)['recommendation']['id'] for _, _, x in receiver.got]
    assert ids == ['one', 'two']


def test_what_is_refused_for_good_is_left_out(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    feed = hook(receiver.url, webhook_secret=SECRET)
    receiver.codes = [400]
    feed.write(told(changed=[files.made(id='one'), files.made(id='two')]), yes)
    assert len(receiver.got) == 1
    assert 'refuses recommendation/one/' in caplog.text
    assert SECRET not in caplog.text


def test_a_receiver_that_is_slow_away_or_no_server_is_an_error(
    receiver: Receiver,
) -> None:
    receiver.wait_s = 2.0
    begin = time.monotonic()
    with pytest.raises(exception.FeedError, match='TimeoutError'):
        hook(receiver.url).write(told(marks=marks('a')), yes)
    assert time.monotonic() - begin < 1.5
    with socket.create_server(('127.0.0.1', 0)) as silent:
        port_ = silent.getsockname()[1]
        with pytest.raises(exception.FeedError):
            hook(f'http://127.0.0.1:{port_}/').write(
                told(marks=marks('a')), yes
            )
    with pytest.raises(exception.FeedError, match='ConnectionRefused'):
        hook(f'http://127.0.0.1:{port_}/').write(told(marks=marks('a')), yes)


def test_all_arrive_although_the_receiver_was_broken_for_a_while(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.codes = [503, 503]
    feeds = crew.Crew({'webhook': hook(receiver.url, webhook_secret=SECRET)})
    for number in range(20):
        feeds.tell(told(number, changed=[files.made(id=f'{number}')]))
    until = time.monotonic() + 30
    while feeds.is_busy:
        feeds.permit.grant(1)
        assert time.monotonic() < until
        time.sleep(0.05)
    feeds.close()
    ids = [json.loads(x)['recommendation']['id'] for _, _, x in receiver.got]
    assert ids == [str(number) for number in range(20)]
    assert 'works again' in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    'url',
    [
        '',
        'file:///etc/passwd',
        'http://',
        'http://' + 'user:word@example.org/',
        'http://example.org:99999/',
        'http://example.org/a b',
        'http://example.org/\r\nX: y',
    ],
)
def test_an_address_that_cannot_be_stops_the_service(url: str) -> None:
    with pytest.raises(exception.ConfigError, match='webhook_url'):
        hook(url)


def test_a_file_of_authorities_that_is_not_there_stops_the_service() -> None:
    with pytest.raises(exception.ConfigError, match='webhook_ca_file'):
        hook('https://example.org/', webhook_ca_file='/nowhere')
