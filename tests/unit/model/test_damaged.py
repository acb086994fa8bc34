# SPDX-License-Identifier: Apache-2.0
"""Damaged records decode within their bounds, or are refused; nothing else."""

import contextlib
import json
import pathlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.detect import settings, shard
from kvm_insight.model import codec, finding, sample, schema, state
from tests.unit.model import damage

GOLDEN = pathlib.Path('tests/unit/model/golden')
SHORT = 4_000
LONG = 100_000


def golden(name: str) -> bytes:
    return (GOLDEN / f'{name}-1.json').read_bytes().strip()


def swallow(name: str, value: bytes) -> bool:
    """Decode; say whether it could be. What could be must encode again."""
    try:
        one = codec.decode(value, schema.RECORDS[name])
    except exception.CodecError:
        return False
    again = codec.encode(one)
    assert codec.encode(codec.decode(again, schema.RECORDS[name])) == again
    return True


def later(value: bytes, number: int) -> bytes:
    """Return the golden sample as the agent's next ones would be."""
    tree = json.loads(value)
    tree['sequence'] += number
    tree['uptime_us'] += number * 10_000_000
    for domain in tree['domains']:
        for vcpu in domain['vcpus']:
            vcpu['run_us'] += number * 5_000_000
            vcpu['run_delay_us'] += number * 4_000_000
    return json.dumps(tree, separators=(',', ':')).encode()


def swallow_many(count: int) -> None:
    chance = random.Random(20)
    names = ('sample', 'finding', 'state', 'cluster', 'recommendation')
    values = {name: golden(name) for name in names}
    whole = sum(
        swallow(name, damage.mutated(values[name], chance))
        for name in (chance.choice(names) for _ in range(count))
    )
    assert 0 < whole < count


def feed_many(count: int) -> None:
    """Let a shard eat damaged samples and states; it must live on."""
    chance = random.Random(21)
    one = golden('sample')
    kept = golden('state')
    held = shard.Shard(settings.Settings(), 0)
    refused = 0
    for number in range(count):
        if number % 500 == 0:
            held = shard.Shard(settings.Settings(), 0)
            with contextlib.suppress(exception.CodecError, ValueError):
                held.restore(
                    codec.decode(damage.mutated(kept, chance), state.HostState)
                )
        try:
            fresh = damage.mutated(later(one, number), chance)
            found = held.consume(number, None, fresh)
        except exception.CodecError:
            refused += 1
            continue
        for told in found:
            codec.decode(codec.encode(told), finding.Finding)
    assert 0 < refused < count


def test_damaged_records_are_read_within_bounds_or_refused() -> None:
    swallow_many(SHORT)


def test_detectors_outlive_damaged_samples() -> None:
    feed_many(SHORT // 4)


@pytest.mark.full
@pytest.mark.timeout(900)
def test_a_hundred_thousand_damaged_records_harm_nobody() -> None:
    swallow_many(LONG)
    feed_many(LONG // 4)


@pytest.mark.parametrize(
    'name', ['sample', 'finding', 'state', 'cluster', 'recommendation']
)
@given(st.binary(max_size=200))
def test_any_bytes_after_the_schema(name: str, value: bytes) -> None:
    tag = str(schema.RECORDS[name].__struct_config__.tag)
    swallow(name, b'{"schema":"' + tag.encode() + b'",' + value)


@given(st.binary(max_size=400))
def test_any_bytes(value: bytes) -> None:
    assert not swallow('sample', value)


@pytest.mark.parametrize(
    'value',
    [
        b'',
        b'{"schema":"kvm_insight.sample/2"}',
        b'{"schema":"kvm_insight.sample/999999"}',
        b'{"schema":"other/1"}',
        b'{"schema":"kvm_insight.sample/1"',
        b'{"host":"a","schema":"kvm_insight.sample/1"}',
        b'{"schema":"kvm_insight.sample/1","host":' + b'[' * 100_000,
        b'x' * (codec.LARGEST + 1),
    ],
    ids=lambda value: value[:40].decode(),
)
def test_what_is_no_sample_is_refused(value: bytes) -> None:
    with pytest.raises(exception.CodecError):
        codec.decode(value, sample.Sample)


def test_the_future_is_told_from_damage() -> None:
    with pytest.raises(exception.SchemaUnknown):
        codec.decode(b'{"schema":"kvm_insight.sample/2"}', sample.Sample)
