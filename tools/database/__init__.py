# SPDX-License-Identifier: Apache-2.0
"""Private database servers on free ports of loopback, for tests."""
