# SPDX-License-Identifier: Apache-2.0
import argparse
import time

import pytest

from kvm_insight.osc import order, plugin


@pytest.mark.parametrize(
    ('text', 'seconds'),
    [('90min', 5400), ('8h', 28800), ('7d', 604800), ('1w', 604800)],
)
def test_a_length_is_read(text: str, seconds: int) -> None:
    assert order.length_s(text) == seconds


@pytest.mark.parametrize('text', ['', '8', 'h', '-1h', '1y', '1h 2min'])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        order.length_s(text)


@pytest.mark.parametrize(
    'text',
    [
        '2026-11-28T06:00:00Z',
        '2026-11-28T06:00',
        '2026-11-28T07:00:00+01:00',
    ],
)
def test_a_moment_is_of_utc_where_it_does_not_say(text: str) -> None:
    assert order.moment_us(text) == 1_795_845_600_000_000


def test_what_is_no_moment_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match='tomorrow'):
        order.moment_us('tomorrow')


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    order.about(parser, 'host', 'cloud')
    order.reasoned(parser)
    return parser.parse_args(words)


def test_a_length_begins_where_the_window_does() -> None:
    args = parsed('--cloud', '--for', '1h')
    assert order.ends_us(args, 5) == 3_600_000_005
    now_us = time.time_ns() // 1000
    ends_us = order.ends_us(args)
    assert ends_us is not None
    assert abs(ends_us - now_us - 3_600_000_000) < 60_000_000


def test_without_an_end_it_has_none() -> None:
    assert order.ends_us(parsed('--host', 'h')) is None


def test_it_is_about_what_was_named() -> None:
    assert order.meant(parsed('--host', 'r/h')) == ('host', 'r/h')
    assert order.meant(parsed('--cloud')) == ('cloud', None)


@pytest.mark.parametrize('text', ['2.0', '1', 'latest', '1.x', '1.2.3'])
def test_a_version_of_which_there_are_no_commands_is_refused(
    text: str,
) -> None:
    with pytest.raises(Exception, match=r'give 1\.0'):
        plugin.check_api_version(text)
    assert plugin.check_api_version('1.12')
