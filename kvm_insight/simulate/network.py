# SPDX-License-Identifier: Apache-2.0
"""A packet path that all guests share: what it cannot take is dropped.

Demand is in parts of the packets that it can take.
"""

from typing import Any

import numpy
from numpy import typing as npt

from kvm_insight.model import sample
from kvm_insight.simulate import game, readings, stage

Floats = npt.NDArray[numpy.float64]
Ints = npt.NDArray[numpy.int64]

#: Packets a second from which on drops mean something.
LEAST_PACKETS_S = 50.0
#: Load from which on bursts overflow the queue at times.
_BURSTS = 0.92


class Network:
    """The packet path of one scene."""

    resource = 'network'

    def __init__(self, scene: stage.Scene, at_us: Ints) -> None:
        self._wants = scene.devices['network']
        self._nic = scene.host.nics[0]
        self._at_us = at_us
        rng = numpy.random.default_rng([scene.nature.seed, 33])
        count, steps = self._wants.wanted.shape
        self._bytes = numpy.asarray(rng.uniform(120, 1300, count))
        self._received = numpy.asarray(rng.uniform(0.3, 0.7, count))
        self._noise = rng.lognormal(0.0, 0.03, steps)
        self._counted = self._count()

    def losses(self, variants: Floats) -> game.Losses:
        """Return packets dropped, of all packets."""
        packets, dropped = self._run(variants)
        step_s = self._wants.step_s
        return game.Losses(
            game.bins(dropped, step_s), game.bins(packets, step_s)
        )

    def wanted(self, total: Floats) -> Floats:
        """Return how active each is in each window, 1 being just enough."""
        return numpy.asarray(game.rate(total) / LEAST_PACKETS_S)

    def system(self, at: int) -> dict[str, Any]:
        """Return the host's network device at one reading."""
        sums = {
            name: int(rows[:, at].sum())
            for name, rows in self._counted.items()
        }
        nic = sample.Nic(
            name=self._nic.name,
            rx_errors=0,
            tx_errors=0,
            speed_bits_s=int(self._nic.bits_s),
            **sums,
        )
        return {'nics': [nic]}

    def domain(self, guest: int, at: int, answered: int) -> dict[str, Any]:
        """Return a guest's interface at one reading."""
        values = {
            name: int(rows[guest, answered])
            for name, rows in self._counted.items()
        }
        name = f'tap{guest:x}'
        interface = sample.Interface(
            name=name,
            rx_errors=0,
            tx_errors=0,
            **values,
        )
        return {'interfaces': [interface]}

    def _run(self, variants: Floats) -> tuple[Floats, Floats]:
        """Return packets wanted and dropped per second."""
        packets = variants * self._nic.packets_s
        load = variants.sum(axis=1, keepdims=True) * self._noise
        over = numpy.maximum(1 - 1 / numpy.maximum(load, 1e-9), 0.0)
        bursts = 0.05 * numpy.clip((load - _BURSTS) / (1 - _BURSTS), 0, 1)
        return packets, packets * numpy.minimum(over + bursts, 0.95)

    def _count(self) -> dict[str, Ints]:
        both = self._run(self._wants.wanted[None])
        packets, dropped = both[0][0], both[1][0]
        step_s = self._wants.step_s
        found = {}
        sent: Floats = 1 - self._received
        for way, part in (('rx', self._received), ('tx', sent)):
            passed = (packets - dropped) * part[:, None]
            rates = {
                f'{way}_packets': passed,
                f'{way}_bytes': passed * self._bytes[:, None],
                f'{way}_drops': dropped * part[:, None],
            }
            for name, rows in rates.items():
                found[name] = numpy.stack(
                    [readings.grown(r, step_s, self._at_us) for r in rows]
                )
        return found
