# SPDX-License-Identifier: Apache-2.0
"""Checks of an instance by its measured history, one module a subject."""
