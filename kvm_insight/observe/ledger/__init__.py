# SPDX-License-Identifier: Apache-2.0
"""The contention ledger's collectors: who ran while whom waited."""
