# SPDX-License-Identifier: Apache-2.0
"""What to do about it: peaks, hotspots, and moves that Nova would carry out.

Values in, values out: no clock, files, network; chance only as a seeded
generator that is given in.
"""
