#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prometheus and promtool for the tests, from the distribution's package.

``python tools/prometheus.py`` unpacks the package into the cache; it is not
installed, so that no service of it is started on this machine.
``KVM_INSIGHT_PROMETHEUS`` names a folder that has both programs already.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


class PrometheusError(Exception):
    """There is no Prometheus to be had."""


def folder() -> pathlib.Path:
    """Return where both programs are; unpack them first if need be."""
    known = os.environ.get('KVM_INSIGHT_PROMETHEUS')
    if known:
        return pathlib.Path(known)
    cache = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    home = pathlib.Path(cache) / 'kvm-insight/prometheus'
    programs = home / 'usr/bin'
    if not (programs / 'promtool').exists():
        _unpack(home)
    return programs


def _unpack(home: pathlib.Path) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(
        tempfile.mkdtemp(prefix='.prometheus-', dir=home.parent)
    )
    try:
        _download(fresh)
        for package in fresh.glob('*.deb'):
            _say(['dpkg-deb', '-x', str(package), 'all'], fresh)
        shutil.rmtree(home, ignore_errors=True)
        (fresh / 'all').rename(home)
    except OSError as why:
        # Another run may have been quicker.
        if not (home / 'usr/bin/promtool').exists():
            raise PrometheusError(str(why)) from why
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _download(where: pathlib.Path) -> None:
    words = ['apt-get', '-q', 'download', 'prometheus']
    try:
        _say(words, where)
    except PrometheusError:
        # A machine that is new knows no packages yet.
        _say(['apt-get', '-q', 'update'], where)
        _say(words, where)


def _say(words: list[str], where: pathlib.Path) -> None:
    done = subprocess.run(
        words,
        cwd=where,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise PrometheusError(f'{" ".join(words)}: {done.stdout}')


def main() -> int:
    """Unpack what is missing; say where it is."""
    try:
        print(folder())
    except PrometheusError as why:
        print(why, file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
