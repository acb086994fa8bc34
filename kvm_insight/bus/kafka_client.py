# SPDX-License-Identifier: Apache-2.0
"""Builds Kafka's clients from our settings, and finds out why it failed."""

import contextlib
import importlib.util
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from kafka import codec, errors
from kafka.net import compat

from kvm_insight import exception
from kvm_insight.bus import kafka_error, kafka_tls

LOG = logging.getLogger(__name__)

_BOOTSTRAP_MS = 5000
_METADATA_S = 5.0
_DISCARD_S = 2.0
Client = TypeVar('Client')


class Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """What ``connect`` understands; the options of the group ``bus``."""

    servers: list[str]
    client_id: str = 'kvm-insight'
    security_protocol: str = 'PLAINTEXT'
    tls_ca_file: str | None = None
    tls_cert_file: str | None = None
    tls_key_file: str | None = None
    tls_key_password: str | None = None
    tls_check_hostname: bool = True
    sasl_mechanism: str = 'SCRAM-SHA-512'
    username: str | None = None
    password: str | None = None
    group_instance_id: str | None = None
    session_timeout_ms: int = 10_000
    request_timeout_ms: int = 30_000
    delivery_timeout_ms: int = 2**31 - 1
    wedged_after_s: float = 60.0
    max_record_bytes: int = 4 * 1024 * 1024
    #: What a producer holds that nobody acknowledged yet.
    in_flight: int = 10_000
    in_flight_bytes: int = 64 * 1024 * 1024


def read(settings: Mapping[str, object]) -> Settings:
    """Return checked settings; raise ConfigError for what cannot work."""
    try:
        chosen = msgspec.convert(dict(settings), Settings)
    except msgspec.ValidationError as why:
        raise exception.ConfigError(f'[bus] {why}') from why
    _check_sasl(chosen)
    _check_libraries()
    options(chosen)
    return chosen


def _check_sasl(chosen: Settings) -> None:
    if chosen.security_protocol.startswith('SASL_') and not (
        chosen.username and chosen.password
    ):
        raise exception.ConfigError(
            f'[bus] security_protocol = {chosen.security_protocol} needs '
            'username and password: set both'
        )


def _check_libraries() -> None:
    # Without crc32c the client is 3 to 14 times slower, and silent about it.
    for name, there in (
        ('crc32c', importlib.util.find_spec('crc32c') is not None),
        ('zstandard', codec.has_zstd()),
    ):
        if not there:
            raise exception.ConfigError(
                f'[bus] driver = kafka needs the library {name}: '
                "pip install 'kafka-python[crc32c,lz4,zstd]'"
            )


def options(chosen: Settings) -> dict[str, object]:
    """Return what every kind of client is built with."""
    found: dict[str, object] = {
        'bootstrap_servers': chosen.servers,
        'client_id': chosen.client_id,
        'security_protocol': chosen.security_protocol,
        'request_timeout_ms': chosen.request_timeout_ms,
        'bootstrap_timeout_ms': _BOOTSTRAP_MS,
        # The default, 30 s, keeps an agent away long after an outage.
        'reconnect_backoff_max_ms': 1000,
    }
    if chosen.security_protocol.endswith('SSL'):
        found['ssl_context'] = kafka_tls.context(
            chosen.tls_ca_file,
            chosen.tls_cert_file,
            chosen.tls_key_file,
            chosen.tls_key_password,
            check_hostname=chosen.tls_check_hostname,
        )
    if chosen.security_protocol.startswith('SASL_'):
        found |= {
            'sasl_mechanism': chosen.sasl_mechanism,
            'sasl_plain_username': chosen.username,
            'sasl_plain_password': chosen.password,
        }
    return found


def build(
    kind: Callable[..., Client], chosen: Settings, **more: object
) -> Client:
    """Return a connected client; raise BusRefused or BusUnavailable.

    Blocks for up to five seconds when no broker answers.
    """
    made: list[Any] = []

    def make_net(**configs: object) -> Any:
        made.append(compat.KafkaNetClient(**configs))
        return made[-1]

    settings = {**options(chosen), 'kafka_client': make_net, **more}
    with Ear() as ear:
        try:
            return kind(**settings)
        except (errors.KafkaError, OSError) as why:
            # A constructor that raises leaves its sockets and thread behind.
            for net in made:
                net.close()
            raise kafka_error.explain([why, *ear.heard]) from why


def discard(producer: Any) -> None:
    """Close a producer, a wedged one too; None is welcome."""
    if producer is None:
        return
    # close() of a wedged one raises from its flush before it ends its
    # thread; so the thread is ended first.
    producer._sender.force_close()
    producer._sender.join(_DISCARD_S)
    with contextlib.suppress(errors.KafkaError):
        producer.close(timeout=0)


def explain_topic(
    cluster: Any, topic: str, wake: Callable[[], object]
) -> exception.BusRefused | None:
    """Ask the broker for a topic; return why there is none, if it says."""
    update = cluster.request_update()
    wake()
    end = time.monotonic() + _METADATA_S
    while not update.is_done and time.monotonic() < end:
        time.sleep(0.01)
    answered = update.is_done and (
        update.succeeded()
        or isinstance(update.exception, errors.BrokerResponseError)
    )
    if not answered or cluster.partitions_for_topic(topic):
        return None
    if topic in cluster.unauthorized_topics:
        return exception.BusRefused(
            f'not authorized for topic {topic}: an ACL for this user is '
            'missing'
        )
    return kafka_error.missing_topic(topic)


class Ear(logging.Handler):
    """Hears what the client logs and does not raise."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the errors that the record mentions."""
        args = record.args if isinstance(record.args, tuple) else ()
        self.heard += [one for one in args if isinstance(one, BaseException)]

    def __enter__(self) -> 'Ear':
        _LIBRARY.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        _LIBRARY.removeHandler(self)


class Murmur(logging.Handler):
    """Passes what the client logs on at debug: an outage is hundreds of
    lines, of which the operator needs our one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Say it at debug."""
        if LOG.isEnabledFor(logging.DEBUG):
            LOG.debug('%s: %s', record.name, record.getMessage())


_LIBRARY = logging.getLogger('kafka')


def hush() -> None:
    """Keep the client's own words out of the service's log."""
    if not any(isinstance(one, Murmur) for one in _LIBRARY.handlers):
        _LIBRARY.addHandler(Murmur())
        _LIBRARY.propagate = False
