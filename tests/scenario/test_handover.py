# SPDX-License-Identifier: Apache-2.0
"""A state handed over at any sample changes no byte of what follows."""

from collections.abc import Iterator, Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.detect import host
from kvm_insight.detect import settings as detect_settings
from kvm_insight.model import codec, sample, state
from tests.scenario import fair

RULES = detect_settings.Settings(
    history_minutes=2, glimpse_minutes=1, freeze_s=150
)


def stream(seed: int = 3) -> list[sample.Sample]:
    """Return twelve minutes with whatever may happen to a host."""
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,)),
        fair.Guest('noisy', ((150, 0), (150, 1.0)), (0, 1)),
        fair.Guest('limited', ((1, 0.8),), (1,), quota=0.3),
        fair.Guest('late', ((1, 0.9),), (1,), starts_s=200, ends_s=520),
        fair.Guest('two', ((120, 0.2), (120, 1.0)), (0, 1), vcpus=2),
    ]
    backup = fair.Process('backup', ((400, 0), (300, 1.0)), (0, 1))
    samples = list(fair.Host(guests, [backup], seed=seed).samples(720))
    return [*damaged(samples)]


def damaged(samples: Sequence[sample.Sample]) -> Iterator[sample.Sample]:
    """Lose some, double some, and let the agent start again."""
    replace = msgspec.structs.replace
    for number, one in enumerate(samples):
        if number % 17 == 5:
            continue
        if number >= 50:
            one = replace(one, agent_id='agent-2', sequence=number - 50)
        yield one
        if number % 11 == 3:
            yield one


SAMPLES = stream()


def findings(
    detector: host.Detector, samples: Sequence[sample.Sample]
) -> list[bytes]:
    return [
        codec.encode(found)
        for one in samples
        for found in detector.consume(one)
    ]


def restored(detector: host.Detector) -> host.Detector:
    kept = codec.encode(detector.state())
    after = host.Detector(detector.host, RULES)
    after.restore(codec.decode(kept, state.HostState))
    assert codec.encode(after.state()) == kept
    return after


def test_the_stream_has_something_to_tell() -> None:
    told = findings(host.Detector('lab/one', RULES), SAMPLES)
    assert len(told) > 20
    assert b'"chronic"' in b''.join(told)


def test_the_same_samples_make_the_same_bytes() -> None:
    first = findings(host.Detector('lab/one', RULES), SAMPLES)
    assert findings(host.Detector('lab/one', RULES), SAMPLES) == first


def test_ids_are_never_used_for_two_incidents() -> None:
    detector = host.Detector('lab/one', RULES)
    closed = set()
    for one in SAMPLES:
        for found in detector.consume(one):
            assert found.id not in closed
            if found.state == 'closed':
                closed.add(found.id)


def test_handed_over_at_every_sample_it_tells_the_same() -> None:
    whole = findings(host.Detector('lab/one', RULES), SAMPLES)
    detector = host.Detector('lab/one', RULES)
    told = []
    for one in SAMPLES:
        told += findings(detector, [one])
        detector = restored(detector)
    assert told == whole


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(SAMPLES)), st.integers(0, 12))
def test_what_comes_again_after_a_handover_changes_nothing(
    at: int, again: int
) -> None:
    whole = findings(host.Detector('lab/one', RULES), SAMPLES)
    first = host.Detector('lab/one', RULES)
    told = findings(first, SAMPLES[:at])
    second = restored(first)
    assert findings(second, SAMPLES[max(0, at - again) : at]) == []
    told += findings(second, SAMPLES[at:])
    assert told == whole


@pytest.mark.parametrize(
    'broken',
    [
        {'values': b'1234567'},
        {'slots': b'\0' * 32},
        {'since': b''},
        {'charge_counts': [1]},
    ],
)
def test_a_state_whose_parts_do_not_fit_is_refused(
    broken: dict[str, object],
) -> None:
    detector = host.Detector('lab/one', RULES)
    findings(detector, SAMPLES[:10])
    kept = detector.state()
    series = msgspec.structs.replace(kept.window, **broken)
    with pytest.raises(ValueError):
        host.Detector('lab/one', RULES).restore(
            msgspec.structs.replace(kept, window=series)
        )
