# SPDX-License-Identifier: Apache-2.0
"""Readers of one host: each a pure ``parse_*`` and a thin ``read_*``."""
