# SPDX-License-Identifier: Apache-2.0
"""The nouns: values without clock, files, network or randomness."""
