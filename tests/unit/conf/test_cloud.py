# SPDX-License-Identifier: Apache-2.0
"""Options of the group cloud say which OpenStack, or that there is none."""

import argparse
import pathlib

import pytest

from kvm_insight import conf, exception
from kvm_insight.cmd import cluster_source, planner
from kvm_insight.conf import cloud
from kvm_insight.conf import planner as planner_options

BY_PASSWORD = """
[cloud]
auth_url = http://127.0.0.1:9/v3
username = kvm-insight
password = hush
"""


def written(folder: pathlib.Path, text: str) -> list[str]:
    path = folder / 'kvm-insight.conf'
    path.write_text(text)
    return [str(path)]


def test_without_any_option_there_is_no_cloud() -> None:
    assert cloud.settings(conf.load([])) is None


def test_user_and_password_are_enough(tmp_path: pathlib.Path) -> None:
    loaded = conf.load(written(tmp_path, BY_PASSWORD))
    found = cloud.settings(loaded)
    assert found is not None
    assert found.auth_type == 'v3password'
    assert found.auth['password'] == 'hush'
    assert found.auth['project_name'] == 'service'
    assert 'hush' not in repr(found)
    assert planner_options.limits(loaded).cluster_age_s == found.max_age_s


def test_what_is_missing_is_named(tmp_path: pathlib.Path) -> None:
    text = BY_PASSWORD.replace('password = hush\n', '')
    with pytest.raises(exception.ConfigError, match='password is not set'):
        cloud.settings(conf.load(written(tmp_path, text)))


def test_a_file_and_a_cloud_are_one_too_many(tmp_path: pathlib.Path) -> None:
    text = f'[planner]\ncluster_file = x.json\n{BY_PASSWORD}'
    loaded = conf.load(written(tmp_path, text))
    with pytest.raises(exception.ConfigError, match='both set'):
        cluster_source.of(loaded)


def test_a_planner_that_nobody_tells_of_hosts_does_not_start() -> None:
    args = argparse.Namespace(config_file=[])
    with pytest.raises(exception.ConfigError, match='nothing tells'):
        planner.serve(args)
