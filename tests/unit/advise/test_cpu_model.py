# SPDX-License-Identifier: Apache-2.0
"""The table of CPU models says what an installed libvirt says."""

import pathlib
from xml.etree import ElementTree

import pytest

from kvm_insight.advise.domain import cpu_model

MAP = pathlib.Path('/usr/share/libvirt/cpu_map')
KNOWN = {*cpu_model.FAST, *cpu_model.SAFE}


def features(name: str) -> set[str]:
    """Return a model's features, with those of the ones it is made of."""
    root = ElementTree.parse(MAP / f'x86_{name}.xml').getroot()
    model = root.find('model')
    assert model is not None
    found: set[str] = set()
    for one in model.findall('model'):
        found |= features(one.get('name', ''))
    for one in model.findall('feature'):
        # What came later is not in each guest that was given the model.
        if one.get('added') != 'yes':
            found.add(one.get('name', ''))
    return found


INSTALLED = [
    name
    for name in sorted(cpu_model.MODELS)
    if (MAP / f'x86_{name}.xml').exists()
]


@pytest.mark.parametrize('name', INSTALLED)
def test_a_model_has_what_libvirt_gives_it(name: str) -> None:
    assert cpu_model.MODELS[name] == features(name) & KNOWN


def test_no_model_has_what_nobody_asks_for() -> None:
    for name, has in cpu_model.MODELS.items():
        assert has <= KNOWN, name


def test_basic_models_have_nothing_that_makes_programs_fast() -> None:
    for name in cpu_model.BASIC:
        assert not cpu_model.MODELS[name] & set(cpu_model.FAST)
