# SPDX-License-Identifier: Apache-2.0
"""Entry points: arguments and processes, nothing else."""
