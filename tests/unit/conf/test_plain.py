# SPDX-License-Identifier: Apache-2.0
"""One option says who tells of the cluster; what cannot be is refused."""

import pathlib

import pytest
from oslo_config import cfg

from kvm_insight import conf, exception
from kvm_insight.cmd import cluster_source
from kvm_insight.conf import plain, planner

CLOUD = '[cloud]\ncloud = here\n'
HOSTS = '[planner]\nsource = hosts\n'


def loaded(folder: pathlib.Path, text: str) -> cfg.ConfigOpts:
    path = folder / 'kvm-insight.conf'
    path.write_text(text)
    return conf.load([str(path)])


@pytest.mark.parametrize(
    ('text', 'found'),
    [
        ('', None),
        ('[planner]\ncluster_file = x.json\n', 'file'),
        (CLOUD, 'cloud'),
        (HOSTS, 'hosts'),
        (f'[planner]\nsource = cloud\n{CLOUD}', 'cloud'),
    ],
)
def test_what_is_set_tells(
    tmp_path: pathlib.Path, text: str, found: str | None
) -> None:
    assert planner.source(loaded(tmp_path, text)) == found


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        (HOSTS + CLOUD, r'\[cloud\] and \[planner\] source = hosts are both'),
        (HOSTS + 'cluster_file = x.json\n', 'both set'),
        ('[planner]\nsource = cloud\n', r'set \[cloud\], too'),
        ('[planner]\nsource = file\n', 'set .* cluster_file, too'),
    ],
)
def test_what_does_not_go_together_is_named(
    tmp_path: pathlib.Path, text: str, words: str
) -> None:
    with pytest.raises(exception.ConfigError, match=words):
        cluster_source.of(loaded(tmp_path, text))


def test_a_word_that_is_no_source_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(exception.ConfigError, match='source'):
        loaded(tmp_path, '[planner]\nsource = guess\n')


def test_hosts_are_as_old_as_their_silence(tmp_path: pathlib.Path) -> None:
    text = HOSTS + '[plain]\nsilent_s = 77\n'
    assert planner.limits(loaded(tmp_path, text)).cluster_age_s == 77


def test_storage_that_is_neither_path_nor_kind_is_named(
    tmp_path: pathlib.Path,
) -> None:
    text = HOSTS + '[plain]\nshared_storage = /vms, ceph\n'
    with pytest.raises(exception.ConfigError, match='= ceph: give a path'):
        plain.settings(loaded(tmp_path, text))
