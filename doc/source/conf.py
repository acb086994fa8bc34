# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration."""

project = 'kvm_insight'
author = 'kvm_insight developers'
extensions = ['myst_parser']
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}
exclude_patterns: list[str] = []
html_theme = 'alabaster'
myst_heading_anchors = 3
# The contributor pages speak of files beside them, and of later pages.
suppress_warnings = ['myst.header', 'misc.highlighting_failure']
