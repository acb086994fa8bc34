# SPDX-License-Identifier: Apache-2.0
"""kvm_insight's own services, as processes beside the cloud, on one bus."""

import dataclasses
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

from broker import node as brokers
from cloud import config, place

from kvm_insight.bus import driver, port, tail, topic
from kvm_insight.model import codec, sample

CODE = (
    'import sys; from kvm_insight.cmd import {0}; '
    'sys.exit({0}.main(sys.argv[1:]))'
)
#: Longer than a busy machine lets a member wait, shorter than a test.
_SESSION_MS = 6000
_END_S = 30.0

Options = Mapping[str, Mapping[str, object]]
Kind = TypeVar('Kind', bound=sample.Wire)


@dataclasses.dataclass
class Ours:
    """A bus of a real broker, and the services on it."""

    broker: brokers.Broker
    prefix: str
    folder: pathlib.Path
    running: dict[str, 'subprocess.Popen[bytes]'] = dataclasses.field(
        default_factory=dict
    )

    #: What each service was started with.
    options: dict[str, Options] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bus: port.Bus = driver.open_bus(
            'kafka', {'servers': self.broker.servers}
        )
        self.bus.create_topics(topic.layout(self.prefix, partitions=2))

    def start(
        self,
        name: str,
        module: str,
        options: Options,
        before: Sequence[object] = (),
    ) -> None:
        """Start a service; ``before`` are words in front of its command."""
        self.options[name] = options
        path = self.folder / f'{name}.conf'
        bus = {
            'driver': 'kafka',
            'servers': ','.join(self.broker.servers),
            'topic_prefix': self.prefix,
            'session_timeout_ms': _SESSION_MS,
            'spool_path': self.folder / f'{name}.spool',
        }
        sections = {key: dict(values) for key, values in options.items()}
        config.write(path, {'bus': bus, **sections})
        words = [*before, sys.executable, '-c', CODE.format(module)]
        words += ['--config-file', path]
        with (self.folder / f'{name}.log').open('ab') as log:
            self.running[name] = subprocess.Popen(
                [str(word) for word in words], stdout=log, stderr=log
            )

    def start_planner(
        self, where: place.Place, user: str, options: Options
    ) -> None:
        """Start a planner that reads the cloud as this user."""
        cloud = {
            'auth_url': where.url('keystone'),
            'username': user,
            'password': where.secret(user),
            'project_name': 'admin' if user == 'admin' else 'service',
            'region_name': place.REGION,
            'poll_s': 1,
            'server_groups': user == 'admin',
        }
        whole: Options = {'cloud': cloud, 'planner': {'cycle_s': 1}, **options}
        self.start('planner', 'planner', whole)

    def start_agent(
        self, where: place.Place, host: str, interval_s: float
    ) -> None:
        """Start an agent as it is installed: inside the node, where the
        paths and names are those that it has by itself."""
        pid = where.pid(f'{host}.node')
        enter = ['nsenter', f'--target={pid}', '--mount', '--uts', '--']
        agent = {'interval_s': interval_s, 'tick_s': interval_s / 4}
        self.start(f'agent-{host}', 'agent', {'agent': agent}, enter)

    def log(self, name: str) -> str:
        return (self.folder / f'{name}.log').read_text()

    def stop(self, name: str) -> None:
        """End a service as an operator does."""
        child = self.running.pop(name)
        child.terminate()
        assert child.wait(_END_S) == 0, self.log(name)

    def logs(self) -> str:
        return '\n'.join(f'{name}:\n{self.log(name)}' for name in self.running)

    def alive(self) -> None:
        """Assert that all that was started still runs."""
        for name, child in self.running.items():
            assert child.poll() is None, self.log(name)

    def close(self) -> None:
        for child in self.running.values():
            child.kill()
            child.wait()
        self.bus.close()

    def publish(self, name: str, key: str, one: sample.Wire) -> None:
        producer = self.bus.producer()
        producer.publish(self.prefix + name, key, codec.encode(one))
        producer.flush(20)
        producer.close()

    def follow(self, name: str, kind: type[Kind]) -> 'Followed[Kind]':
        return Followed(self, name, kind)


class Followed(Generic[Kind]):
    """All that was ever said on a topic, of one kind."""

    def __init__(self, ours: Ours, name: str, kind: type[Kind]) -> None:
        self._ours = ours
        self._kind = kind
        self._tail = tail.Tail(ours.bus, [ours.prefix + name])
        self._tail.start(0)
        self.said: list[Kind] = []

    def read(self) -> list[Kind]:
        """Return what was said since this was asked last."""
        self._ours.alive()
        values = [one.value for one in self._tail.read(0.2) if one.value]
        schema = str(self._kind.__struct_config__.tag)
        found = [
            codec.decode(value, self._kind)
            for value in values
            if codec.schema_of(value) == schema
        ]
        self.said += found
        return found

    def wait(self, holds: Callable[[Kind], object], within_s: float) -> Kind:
        """Return the next one for which it holds."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for one in self.read():
                if holds(one):
                    return one
        raise AssertionError((self.said[-2:], self._ours.logs()))

    def close(self) -> None:
        self._tail.close()
