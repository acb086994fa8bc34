# SPDX-License-Identifier: Apache-2.0
"""The lab: real guests with known loads, for tests and the quickstart."""
