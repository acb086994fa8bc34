# SPDX-License-Identifier: Apache-2.0
"""The analyzer's options, and what is refused with a remedy."""

import pathlib

import pytest

from kvm_insight import conf, exception
from kvm_insight.conf import analyzer
from kvm_insight.detect import settings


def test_the_defaults_are_the_detectors_own() -> None:
    made = analyzer.settings(conf.load([]))
    assert made.rules == settings.Settings()
    assert made == analyzer.Settings()


def test_options_reach_the_detectors(tmp_path: pathlib.Path) -> None:
    file = tmp_path / 'a.conf'
    file.write_text(
        '[bus]\ntopic_prefix = x.\n'
        '[analyzer]\nfloors = 0.4, 0.3, 0.3\nfreeze_hours = 2\nblame = 0.6\n'
    )
    made = analyzer.settings(conf.load([str(file)]))
    assert made.prefix == 'x.'
    assert [scale.floor for scale in made.rules.scales] == [0.4, 0.3, 0.3]
    assert [scale.seconds for scale in made.rules.scales] == [30, 120, 600]
    assert made.rules.freeze_s == 7200
    assert made.rules.blame == 0.6


@pytest.mark.parametrize(
    'floors', ['0.2', '0.1,0.2,0.3', '0.2,0.1,0', '2,1,0.5', 'a,b,c', '']
)
def test_floors_that_cannot_be_are_refused(
    floors: str, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / 'a.conf'
    file.write_text(f'[analyzer]\nfloors = {floors}\n')
    with pytest.raises(exception.ConfigError, match='give 3 numbers'):
        analyzer.settings(conf.load([str(file)]))
