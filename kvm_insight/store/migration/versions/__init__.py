# SPDX-License-Identifier: Apache-2.0
"""Revisions; one that was released is never changed."""
