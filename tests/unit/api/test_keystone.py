# SPDX-License-Identifier: Apache-2.0
"""A Keystone that cannot be asked is no failure of ours without words."""

import json
import logging
from typing import Any

import pytest
from keystoneauth1 import exceptions
from oslo_config import cfg
from werkzeug import test

from kvm_insight import exception
from kvm_insight.api import keystone


def lost(_environ: Any, _start: Any) -> Any:
    """Do as the middleware does where the catalog has nothing for it."""
    raise exceptions.EndpointNotFound('internal endpoint, secret of ours')


def test_a_catalog_without_an_endpoint_is_told_as_503(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        answer = test.Client(keystone.Asking(lost)).get('/v1/hosts')
    assert answer.status_code == 503
    (error,) = json.loads(answer.text)['errors']
    assert error['code'] == 'insight.unavailable'
    assert 'secret' not in answer.text + caplog.text
    assert 'interface' in caplog.text


def test_without_a_way_to_keystone_it_does_not_start() -> None:
    conf = cfg.ConfigOpts()
    conf([], project='kvm-insight', default_config_files=[])
    with pytest.raises(exception.ConfigError, match='auth_type'):
        keystone.guarded(lost, conf)
