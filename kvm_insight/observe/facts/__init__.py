# SPDX-License-Identifier: Apache-2.0
"""How the host is configured, from its files: facts, and nothing judged."""
