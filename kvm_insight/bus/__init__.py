# SPDX-License-Identifier: Apache-2.0
"""The bus: publish, poll, commit, seek; Kafka or an embedded log."""
