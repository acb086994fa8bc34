# SPDX-License-Identifier: Apache-2.0
"""Scrape: what Prometheus reads of each service, and the port it reads at.

A page turns a service's newest plain values into families; nothing here asks
a service for anything, so that no scrape can hold one up. Whoever has a server
of its own needs ``page.Page`` only, which renders any registry.
"""
