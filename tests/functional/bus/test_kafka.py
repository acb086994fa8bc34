# SPDX-License-Identifier: Apache-2.0
"""What only Kafka has: users, TLS, ACLs, and brokers that are away."""

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator

import kafka
import pytest
from broker import node
from kafka import errors
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
)

from kvm_insight import exception
from kvm_insight.bus import driver, port

NOBODY = {'servers': ['127.0.0.1:1']}


@pytest.fixture
def open_topic(broker: node.Broker) -> str:
    """A topic on the broker."""
    name = f'test-{uuid.uuid4().hex}'
    bus = driver.open_bus('kafka', {'servers': broker.servers})
    bus.create_topics([port.Topic(name, 2)])
    return name


def settings(
    broker: node.Broker, user: str, **more: object
) -> dict[str, object]:
    return {
        **broker.secured,
        'username': user,
        'password': broker.passwords[user],
        **more,
    }


def publish(chosen: dict[str, object], topic: str) -> int:
    producer = driver.open_bus('kafka', chosen).producer()
    try:
        return producer.publish(topic, 'k', b'v').result(20)
    finally:
        producer.close()


@pytest.mark.parametrize(
    'mechanism', ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
)
def test_each_mechanism_lets_the_right_user_in(
    broker: node.Broker, open_topic: str, mechanism: str
) -> None:
    chosen = settings(broker, 'admin', sasl_mechanism=mechanism)
    assert publish(chosen, open_topic) == 0
    consumer = driver.open_bus('kafka', chosen).consumer([open_topic])
    assert len(consumer.poll(10)) == 1
    consumer.close()


def test_a_wrong_password_is_told_as_such_each_time(
    broker: node.Broker, open_topic: str
) -> None:
    """The client may hide the broker's words behind a closed connection."""
    chosen = settings(broker, 'admin', password='wrong')
    with pytest.raises(exception.BusRefused, match='wrong user or password'):
        publish(chosen, open_topic)
    bus = driver.open_bus('kafka', chosen)
    consumer = bus.consumer([open_topic], group='any')
    for _ in range(3):
        with pytest.raises(exception.BusRefused, match='password'):
            consumer.poll(1)
    consumer.close()


def test_a_certificate_of_a_stranger_is_told_as_such(
    broker: node.Broker, open_topic: str
) -> None:
    chosen = settings(broker, 'admin', tls_ca_file=None)
    with pytest.raises(exception.BusRefused, match=r'TLS: .*tls_ca_file'):
        publish(chosen, open_topic)


def test_the_wrong_port_is_hinted_at(
    broker: node.Broker, open_topic: str
) -> None:
    """Plain text to the TLS port: the broker just hangs up."""
    bus = driver.open_bus('kafka', {'servers': broker.secured['servers']})
    consumer = bus.consumer([open_topic])
    with pytest.raises(exception.BusUnavailable, match='security_protocol'):
        consumer.poll(5)
    consumer.close()


def test_a_missing_acl_is_told_and_a_granted_one_works(
    broker: node.Broker, open_topic: str
) -> None:
    chosen = settings(broker, 'agent')
    with pytest.raises(exception.BusRefused, match='ACL'):
        publish(chosen, open_topic)
    bus = driver.open_bus('kafka', chosen)
    consumer = bus.consumer([open_topic], group='any')
    with pytest.raises(exception.BusRefused, match='ACL'):
        consumer.poll(5)
    consumer.close()
    with pytest.raises(exception.BusRefused, match='ACL'):
        bus.create_topics([port.Topic('any')])
    _grant(broker, open_topic)
    assert publish(chosen, open_topic) == 0


def _grant(broker: node.Broker, topic: str) -> None:
    admin = kafka.KafkaAdminClient(bootstrap_servers=broker.servers)
    try:
        admin.create_acls(
            [
                ACL(
                    'User:agent',
                    '*',
                    operation,
                    ACLPermissionType.ALLOW,
                    ResourcePattern(ResourceType.TOPIC, topic),
                )
                for operation in (ACLOperation.WRITE, ACLOperation.DESCRIBE)
            ]
        )
    finally:
        admin.close()


@pytest.mark.parametrize(
    ('wrong', 'option'),
    [
        ({'security_protocol': 'SASL_PLAINTEXT'}, 'password'),
        (
            {'security_protocol': 'SSL', 'tls_ca_file': '/no/such'},
            'tls_ca_file',
        ),
        ({'servers': 'not-a-list'}, 'servers'),
        ({'surprise': 1}, 'surprise'),
    ],
)
def test_a_bad_setting_is_refused_at_start_by_name(
    wrong: dict[str, object], option: str
) -> None:
    with pytest.raises(exception.ConfigError, match=option):
        driver.open_bus('kafka', {**NOBODY, **wrong})


class Heard:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def assigned(self, *_: object) -> None:
        self.told.append('assigned')

    def revoked(self, *_: object) -> None:
        self.told.append('revoked')


def test_a_member_that_never_comes_out_of_a_rebalance_joins_anew(
    broker: node.Broker, open_topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client may say so for ever; how it comes to that is not known."""
    chosen = {'servers': broker.servers, 'session_timeout_ms': 2000}
    bus = driver.open_bus('kafka', chosen)
    heard = Heard()
    consumer = bus.consumer([open_topic], group=open_topic, listener=heard)
    try:
        poll_until(consumer, lambda: len(consumer.assignment()) == 2)
        one = port.Partition(open_topic, 0)
        consumer.commit({one: 1})

        def stuck(*_: object, **__: object) -> None:
            raise errors.RebalanceInProgressError

        with monkeypatch.context() as patch:
            patch.setattr(consumer._made, 'commit', stuck)  # type: ignore[attr-defined]
            with pytest.raises(exception.BusUnavailable):
                consumer.commit({one: 2})
            poll_until(consumer, lambda: 'revoked' in heard.told)
        poll_until(consumer, lambda: len(consumer.assignment()) == 2)
        assert heard.told[-1] == 'assigned'
        consumer.commit({one: 2})
        assert consumer.committed(one) == 2
    finally:
        consumer.close()


def poll_until(consumer: port.Consumer, done: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not done():
        assert time.monotonic() < until
        consumer.poll(0.1)


@pytest.fixture
def lonely() -> Iterator[port.Producer]:
    """A producer without any broker."""
    made = driver.open_bus('kafka', NOBODY).producer()
    yield made
    made.close()


def test_without_a_broker_nothing_blocks(lonely: port.Producer) -> None:
    began = time.monotonic()
    sent = [lonely.publish('t', 'k', b'v') for _ in range(1000)]
    assert time.monotonic() - began < 1
    assert not any(one.done() for one in sent)
    with pytest.raises(exception.BusUnavailable):
        lonely.flush(0.1)


def test_without_a_broker_the_cause_is_told(lonely: port.Producer) -> None:
    end = time.monotonic() + 10
    while lonely.trouble() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert isinstance(lonely.trouble(), exception.BusUnavailable)
    assert 'ECONNREFUSED' in str(lonely.trouble())


def test_what_is_in_flight_is_bounded_by_number_and_bytes() -> None:
    few = driver.open_bus('kafka', {**NOBODY, 'in_flight': 10}).producer()
    sent = [few.publish('t', 'k', b'v') for _ in range(20)]
    assert [one.done() for one in sent] == [False] * 10 + [True] * 10
    with pytest.raises(exception.BusUnavailable, match='10 records'):
        sent[10].result(0)
    few.close()
    small = driver.open_bus(
        'kafka', {**NOBODY, 'in_flight_bytes': 5000}
    ).producer()
    sent = [small.publish('t', 'k', bytes(900)) for _ in range(20)]
    assert sum(not one.done() for one in sent) == 5
    small.close()


def test_closing_without_a_broker_takes_a_moment_and_fails_the_rest() -> None:
    made = driver.open_bus('kafka', NOBODY).producer()
    sent = made.publish('t', 'k', b'v')
    began = time.monotonic()
    made.close()
    assert time.monotonic() - began < 4
    with pytest.raises(exception.BusUnavailable):
        sent.result(5)


def test_a_consumer_without_a_broker_says_so_and_goes_on(
    open_topic: str,
) -> None:
    consumer = driver.open_bus('kafka', NOBODY).consumer([open_topic])
    for _ in range(2):
        with pytest.raises(exception.BusUnavailable):
            consumer.poll(1)
    consumer.close()


_ATTEMPTS = """
import gc, json, pathlib, sys, threading
from kvm_insight import exception
from kvm_insight.bus import driver

fds = pathlib.Path('/proc/self/fd')
consumer = driver.open_bus('kafka', json.loads(sys.argv[1])).consumer(['t'])
seen = []
for _ in range(4):
    try:
        consumer.poll(1)
    except exception.BusUnavailable:
        pass
    else:
        raise AssertionError('somebody answers')
    # The library leaves refused sockets to the collector.
    gc.collect()
    seen.append((threading.active_count(), len(list(fds.iterdir()))))
consumer.close()
print(json.dumps(seen))
"""


def test_attempts_at_an_absent_broker_leave_nothing_behind() -> None:
    """An agent tries for days: no thread, no descriptor may add up. Seen in
    a process of its own: what other tests keep comes and goes."""
    words = [sys.executable, '-c', _ATTEMPTS, json.dumps(NOBODY)]
    done = subprocess.run(words, check=True, capture_output=True, timeout=60)
    seen = [tuple(one) for one in json.loads(done.stdout)]
    assert len(seen) == 4
    assert seen[-1] <= seen[0]


def test_an_idle_reader_lives_through_a_restart(fragile: node.Broker) -> None:
    topic = f'test-{uuid.uuid4().hex}'
    bus = driver.open_bus('kafka', {'servers': fragile.servers})
    bus.create_topics([port.Topic(topic, 2)])
    producer = bus.producer()
    producer.publish(topic, 'k', b'before').result(20)
    consumer = bus.consumer([topic], group='g')
    (record,) = consumer.poll(10)
    consumer.commit({record.partition: 1})
    fragile.kill()
    with pytest.raises(exception.BusUnavailable, match=fragile.servers[0]):
        poll_for(15, consumer, [])
    fragile.start()
    producer.publish(topic, 'k', b'after').result(30)
    values: list[bytes | None] = []
    end = time.monotonic() + 60
    while not values and time.monotonic() < end:
        with contextlib.suppress(exception.BusUnavailable):
            poll_for(1, consumer, values)
    assert values == [b'after']
    consumer.close()
    producer.close()


def poll_for(
    timeout_s: float, consumer: port.Consumer, values: list[bytes | None]
) -> None:
    end = time.monotonic() + timeout_s
    while not values and time.monotonic() < end:
        values += [record.value for record in consumer.poll(0.5)]


def test_a_named_member_comes_back_to_its_partitions(
    broker: node.Broker, open_topic: str
) -> None:
    """A quick restart of a replica with an instance id moves nothing."""
    chosen: dict[str, object] = {
        'servers': broker.servers,
        'group_instance_id': 'replica-1',
        'session_timeout_ms': 10_000,
    }
    bus = driver.open_bus('kafka', chosen)
    group = f'group-{uuid.uuid4().hex}'
    first = bus.consumer([open_topic], group=group)
    while not first.assignment():
        first.poll(0.2)
    generation = first.generation()
    first.close()
    second = bus.consumer([open_topic], group=group)
    began = time.monotonic()
    while not second.assignment():
        second.poll(0.2)
    assert time.monotonic() - began < 8
    assert len(second.assignment()) == 2
    assert second.generation() >= generation
    second.close()
