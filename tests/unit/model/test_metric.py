# SPDX-License-Identifier: Apache-2.0
"""The metric reference says something true of each field."""

import pathlib

from kvm_insight.model import metric, sample

PAGE = (
    pathlib.Path(__file__).resolve().parents[3]
    / 'doc/source/reference/metrics.md'
)


def found() -> dict[str, dict[str, metric.Metric]]:
    return {
        record.name: {each.name: each for each in record.metrics}
        for record in metric.records()
    }


def test_every_field_is_documented_and_no_other() -> None:
    assert metric.undocumented() == []


def test_the_page_is_what_the_model_says() -> None:
    # To write it again: tools/metric_reference.py
    assert PAGE.read_text() == metric.render()


def test_every_struct_of_a_sample_is_reached() -> None:
    names = set(found())
    assert {'Sample', 'Domain', 'Vcpu', 'Pressure', 'Row', 'Nic'} <= names
    structs = {
        name
        for name, kind in vars(sample).items()
        if isinstance(kind, type)
        and issubclass(kind, sample.Wire)
        and kind is not sample.Wire
    }
    assert names == structs


def test_every_field_has_a_source_and_a_meaning_of_absence() -> None:
    for name, metrics in found().items():
        for each in metrics.values():
            assert each.source, f'{name}.{each.name}'
            assert each.absence, f'{name}.{each.name}'
            assert '|' not in each.source + each.absence


def test_optional_fields_say_what_their_absence_means() -> None:
    silent = [
        f'{kind.__name__}.{field}'
        for kind in metric.structs()
        for field, default in zip(
            kind.__struct_fields__[::-1],
            kind.__struct_defaults__[::-1],
            strict=False,
        )
        if default is None
        and found()[kind.__name__][field].absence == 'always there'
    ]
    assert silent == []


def test_units_come_from_the_names() -> None:
    vcpu = found()['Vcpu']
    assert (vcpu['run_us'].unit, vcpu['run_us'].kind) == ('µs', 'counter')
    assert (vcpu['last_cpu'].unit, vcpu['last_cpu'].kind) == (
        'count',
        'value',
    )
    assert vcpu['affinity'].kind == 'text'
    assert found()['Nic']['speed_bits_s'].unit == 'bit/s'


def test_a_struct_in_two_places_names_both() -> None:
    record = next(r for r in metric.records() if r.name == 'Pressure')
    assert set(record.places) == {'system.pressure', 'domains[].pressure'}
