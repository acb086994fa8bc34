# SPDX-License-Identifier: Apache-2.0
"""A real Kafka broker for tests and benchmarks, and its faults."""
