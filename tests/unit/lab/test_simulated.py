# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts get the same findings as real ones would."""

import io

import pytest
from lab import simulated

from kvm_insight.model import codec, finding

STEPS = 19


@pytest.fixture
def found() -> list[finding.Finding]:
    """All findings of three simulated minutes on one host."""
    sink = io.StringIO()
    show = simulated.Show(['h'], sink)
    for number in range(STEPS):
        show.step(number)
    lines = sink.getvalue().splitlines()
    return [codec.decode(line.encode(), finding.Finding) for line in lines]


def test_the_noisy_guest_is_named_and_nobody_else(
    found: list[finding.Finding],
) -> None:
    named = {one.party.name for f in found for one in f.aggressors}
    assert named == {'batch-1'}


def test_what_opened_closes(found: list[finding.Finding]) -> None:
    opened = {one.id for one in found}
    assert opened == {one.id for one in found if one.state == 'closed'}


def test_each_line_says_that_it_is_simulated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show = simulated.Show(['h'], None)
    for number in range(STEPS):
        show.step(number)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > STEPS
    assert all(line.startswith('SIMULATED') for line in lines)
