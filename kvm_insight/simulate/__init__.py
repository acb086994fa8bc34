# SPDX-License-Identifier: Apache-2.0
"""Hosts that never were: samples, with the truth beside them.

::

    for scene in scenario.build('antagonist', seed=1000, cpus=16):
        run = simulation.Simulation(scene)
        for one in run.samples():     # model.sample.Sample, as they come
            ...
        truth = run.labels()          # label.Labels

``build`` draws what is not given (CPUs, placement) from the seed; ``KINDS``
has all names. ``family='water'`` shares CPUs as water (fast, no ledger),
``family='slices'`` schedules each thread; with it, ``ledger`` is the quality
that the samples have. Nothing in the samples but counters and that ledger
comes from the simulation; ``labels`` has all the rest:

* ``tracks``: per victim and resource the windows, a minute each, judged by
  the five minutes around it, in which something is to be said; a window that
  is missing is of no victim;
* ``episodes``: windows in a row, with begin and end to 10 s, the class, and
  those who are ``guilty`` with the time of their guilt;
* what happens before ``warm_us`` comes without a history.
"""
