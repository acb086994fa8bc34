# SPDX-License-Identifier: Apache-2.0
"""Dashboard: pages for people, made of what the API answers them."""
