# SPDX-License-Identifier: Apache-2.0
"""Where metrics are served: nowhere, until an address is named."""

import pathlib

import pytest
from oslo_config import cfg

from kvm_insight import conf, exception
from kvm_insight.conf import metrics

SERVICES = ('agent', 'analyzer', 'planner', 'feed')


def loaded(tmp_path: pathlib.Path, words: str) -> cfg.ConfigOpts:
    path = tmp_path / 'c.conf'
    path.write_text(f'[metrics]\n{words}\n')
    return conf.load([str(path)])


def test_nothing_is_served_by_default() -> None:
    for service in SERVICES:
        assert metrics.settings(conf.load([]), service) is None


def test_each_service_has_a_port_of_its_own(tmp_path: pathlib.Path) -> None:
    options = loaded(tmp_path, 'listen = ::1')
    found = [metrics.settings(options, service) for service in SERVICES]
    assert {one.address for one in found if one} == {'::1'}
    assert len({one.port for one in found if one}) == len(SERVICES)


@pytest.mark.parametrize(
    ('words', 'named'),
    [
        ('tls_cert_file = c', 'tls_cert_file = c'),
        ('tls_key_file = k', 'tls_key_file = k'),
        ('tls_client_ca_file = a', 'tls_client_ca_file = a'),
        ('tls_client_ca_file = a\ntls_key_file = k', 'tls_key_file = k'),
    ],
)
def test_half_of_what_tls_needs_is_named(
    tmp_path: pathlib.Path, words: str, named: str
) -> None:
    options = loaded(tmp_path, f'listen = ::1\n{words}')
    with pytest.raises(exception.ConfigError, match=named):
        metrics.settings(options, 'agent')


@pytest.mark.parametrize(
    'words', ['listen = host.example.org', 'agent_port = 0', 'agent_port = x']
)
def test_a_mistake_is_named(tmp_path: pathlib.Path, words: str) -> None:
    name = words.split()[0]
    with pytest.raises(exception.ConfigError, match=rf'\[metrics\] {name}'):
        loaded(tmp_path, words)
