# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts, for machines that cannot run a guest."""

import pathlib


def show(program: pathlib.Path, words: list[str]) -> int:
    """Replay generated samples through the real analyzer."""
    raise NotImplementedError
