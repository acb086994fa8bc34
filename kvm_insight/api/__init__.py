# SPDX-License-Identifier: Apache-2.0
"""API: what the store has, for operators and tenants, over HTTP."""
