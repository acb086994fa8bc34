# SPDX-License-Identifier: Apache-2.0
"""Checks of a domain, one module a subject."""
