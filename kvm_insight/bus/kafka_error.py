# SPDX-License-Identifier: Apache-2.0
"""What Kafka's client says, in the bus's own three errors."""

import contextlib
import re
from collections.abc import Iterator, Sequence

from kafka import errors

from kvm_insight import exception

_RECORD = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidRecordError,
    errors.InvalidTimestampError,
)
_PASSWORD = (errors.SaslAuthenticationFailedError,)
_REFUSED = (
    errors.AuthorizationError,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.InvalidTopicError,
    errors.PolicyViolationError,
    errors.InvalidReplicationFactorError,
    errors.InvalidConfigurationError,
    errors.InvalidGroupIdError,
    errors.InvalidSessionTimeoutError,
    errors.FencedInstanceIdError,
    errors.UnsupportedVersionError,
    errors.IncompatibleBrokerVersion,
)


#: The client puts its class's name before the broker's words, twice even.
_NOISE = re.compile(r'^(\[Error \d+\] )?(SaslAuthenticationFailedError: )*')
#: Each attempt tells it three times.
_CLOSED_OFTEN = 6


def translate(why: BaseException) -> exception.BusError:
    """Return the error with its cause, and the remedy where we know it."""
    words = _NOISE.sub('', ' '.join(str(why).split()))[:300]
    if isinstance(why, _RECORD):
        return exception.RecordRefused(words)
    if isinstance(why, _PASSWORD):
        return exception.BusRefused(
            f'wrong user or password: {words}; see [bus] username, password '
            'and sasl_mechanism'
        )
    if isinstance(why, errors.AuthorizationError):
        return exception.BusRefused(
            f'{words}; an ACL for this user is missing'
        )
    if isinstance(why, errors.UnknownTopicOrPartitionError):
        return missing_topic(words)
    if isinstance(why, _REFUSED):
        return exception.BusRefused(words)
    if '[SSL' in words or 'certificate' in words:
        return exception.BusRefused(
            f'TLS: {words}; see [bus] tls_ca_file and security_protocol'
        )
    return exception.BusUnavailable(words)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise what the client raises as one of the bus's own errors."""
    try:
        yield
    except errors.KafkaError as why:
        raise translate(why) from why


def missing_topic(topic: str) -> exception.BusRefused:
    """Return the error for a topic that nobody created."""
    return exception.BusRefused(
        f'topic {topic} does not exist: run kvm-insight topics create'
    )


def explain(heard: Sequence[BaseException]) -> exception.BusError:
    """Return the error of a client that could not connect.

    "Unable to bootstrap" hides what happened at each attempt, so that is
    heard too.
    """
    cause = translate(max(heard, key=_rank))
    closed = sum('socket disconnected' in str(one) for one in heard)
    if closed >= _CLOSED_OFTEN and not isinstance(cause, exception.BusRefused):
        return exception.BusUnavailable(
            'the broker closes each connection: is security_protocol right '
            'for this port, and the password?'
        )
    return cause


def _rank(why: BaseException) -> int:
    """Return how much an error explains: the greatest is the cause."""
    if isinstance(why, (*_PASSWORD, *_REFUSED)):
        return 3
    if isinstance(translate(why), exception.BusRefused):
        return 2
    return 0 if isinstance(why, errors.KafkaTimeoutError) else 1
