# SPDX-License-Identifier: Apache-2.0
"""Report: how one project's instances fared, for its people to read."""
