# SPDX-License-Identifier: Apache-2.0
"""Sphinx configuration of the release notes."""

project = 'kvm_insight release notes'
author = 'kvm_insight developers'
extensions = ['reno.sphinxext']
html_theme = 'alabaster'
