# SPDX-License-Identifier: Apache-2.0
"""Checks of a host, one module a subject."""
