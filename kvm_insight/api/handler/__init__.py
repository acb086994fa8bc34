# SPDX-License-Identifier: Apache-2.0
"""Handlers: from what is asked to what is answered, one file a noun."""
