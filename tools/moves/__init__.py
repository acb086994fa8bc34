# SPDX-License-Identifier: Apache-2.0
"""Clusters to try the planner on, and referees that share no code with it."""
