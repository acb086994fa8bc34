# SPDX-License-Identifier: Apache-2.0
"""The dashboard served, and a browser before it, for tests and benchmarks."""
