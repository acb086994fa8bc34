# SPDX-License-Identifier: Apache-2.0
"""What operators and projects are told could be configured better."""

from typing import Any

from kvm_insight.osc import advice, table

ABOUT = {
    'title': 'A disk is emulated',
    'reason': 'It is slow.',
    'remedy': 'Use virtio.',
    'remedy_nova': 'hw_disk_bus=virtio',
    'unless': 'there is no driver.',
    'source': 'https://libvirt.org/',
}
MINE = {
    'id': 'c-1',
    'check': 'disk.emulated',
    'about': ABOUT,
    'severity': 'high',
    'state': 'open',
    'instance': 'i-1',
    'host_id': 'abc',
    'project_id': 'p',
    'opened_us': 0,
    'updated_us': 0,
    'closed_us': None,
}
WHOLE = {
    **MINE,
    'host': 'r/h1',
    'what': 'vda is IDE',
    'evidence': [{'where': 'disk', 'value': 'ide\x1b[0m'}],
}


def said(row: dict[str, Any], *, long: bool) -> dict[str, str]:
    headers, (values,) = table.made(advice._FIELDS, [row], long=long)
    words = [one.human_readable() for one in values]
    return dict(zip(headers, words, strict=True))


def test_the_problem_is_said_in_words() -> None:
    for row in (MINE, WHOLE):
        assert said(row, long=False)['Problem'] == 'A disk is emulated'


def test_what_to_do_is_said_with_long() -> None:
    found = said(MINE, long=True)
    assert 'Host' not in found
    assert 'What' not in found
    for word in ('Use virtio.', 'hw_disk_bus=virtio', 'there is no driver.'):
        assert word in found['Remedy']


def test_operators_are_told_what_was_read_and_no_terminal_is_driven() -> None:
    found = said(WHOLE, long=True)
    assert found['What'] == 'vda is IDE'
    assert found['Evidence'] == 'disk: ide\ufffd[0m'


def test_a_check_that_the_service_does_not_know_is_a_dash() -> None:
    found = said({**MINE, 'about': None}, long=True)
    assert (found['Problem'], found['Remedy']) == ('-', '-')
