# SPDX-License-Identifier: Apache-2.0
"""The services as processes, on real guests and a real broker."""

import contextlib
import dataclasses
import pathlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

from kvm_insight.bus import driver, port, topic
from kvm_insight.model import codec, finding

BIN = pathlib.Path(sys.executable).parent
#: What was sent last has come everywhere by then.
SETTLE_S = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A finding's record and when it came, by the monotonic clock."""

    at_s: float
    value: bytes
    record: finding.Finding


class Service:
    """One of our programs; it must end well when it is asked to."""

    def __init__(self, folder: pathlib.Path, name: str, *words: str) -> None:
        self.log = folder / f'{name}.log'
        with self.log.open('ab') as sink:
            self.process = subprocess.Popen(
                [BIN / words[0], *words[1:]],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )

    def end(self) -> int:
        """Ask it to end; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise


class Reader:
    """Collects all findings of a bus in a thread of its own."""

    def __init__(self, bus: port.Bus, prefix: str) -> None:
        self.seen: list[Seen] = []
        self.error: Exception | None = None
        self._stop = threading.Event()
        self._consumer = bus.consumer([prefix + topic.FINDINGS])
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while not self._stop.is_set():
                for record in self._consumer.poll(0.5):
                    assert record.value is not None
                    if codec.schema_of(record.value) != finding.SCHEMA:
                        continue
                    decoded = codec.decode(record.value, finding.Finding)
                    now = time.monotonic()
                    self.seen.append(Seen(now, record.value, decoded))
        except Exception as why:  # told by the test that waits
            self.error = why
        finally:
            self._consumer.close()

    def wait(
        self, wanted: Callable[[finding.Finding], bool], until_s: float
    ) -> Seen | None:
        """Return the first finding that is wanted; None when it is late."""
        while True:
            if self.error:
                raise self.error
            for seen in list(self.seen):
                if wanted(seen.record):
                    return seen
            if time.monotonic() > until_s:
                return None
            time.sleep(0.2)

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        self._thread.join()


@dataclasses.dataclass(frozen=True, slots=True)
class Stage:
    """Agent, analyzer and recorder at work, and what they found."""

    folder: pathlib.Path
    config: pathlib.Path
    recording: pathlib.Path
    reader: Reader
    services: list[Service]

    def end(self) -> dict[str, int]:
        """End the services, the source of samples first."""
        statuses = {}
        for service in self.services:
            statuses[service.log.stem] = service.end()
            time.sleep(SETTLE_S)
        return statuses

    def live(self) -> dict[str, list[bytes]]:
        """Return the records that were published, by finding.

        Each finding has a partition; only within one there is an order.
        """
        return by_finding([seen.value for seen in self.reader.seen])

    def replay(self) -> bytes:
        """Return what a replay of the recording prints."""
        return subprocess.run(
            [BIN / 'kvm-insight', 'replay', '--json', self.recording],
            stdout=subprocess.PIPE,
            check=True,
        ).stdout


def by_finding(values: list[bytes]) -> dict[str, list[bytes]]:
    """Return each finding's records in their order."""
    found: dict[str, list[bytes]] = {}
    for value in values:
        one = codec.decode(value, finding.Finding).id
        found.setdefault(one, []).append(value)
    return found


@contextlib.contextmanager
def play(
    folder: pathlib.Path,
    bootstrap: str,
    prefix: str,
    uri: str,
    run_dir: pathlib.Path,
) -> Iterator[Stage]:
    """Start the services; whatever happens, none of them stays."""
    config = folder / 'kvm-insight.conf'
    config.write_text(
        f"""[agent]
host = region/compute-1
libvirt_uri = {uri}
run_dir = {run_dir}
[bus]
driver = kafka
servers = {bootstrap}
topic_prefix = {prefix}
spool_path = {folder}/spool.db
"""
    )
    bus = driver.open_bus('kafka', {'servers': [bootstrap]})
    bus.create_topics(topic.layout(prefix, partitions=2))
    recording = folder / 'recording'
    with contextlib.ExitStack() as stack:
        stack.callback(bus.close)
        reader = Reader(bus, prefix)
        stack.callback(reader.close)
        file = ['--config-file', str(config)]
        commands = {
            'analyzer': ['kvm-insight-analyzer', *file],
            'record': ['kvm-insight', *file, 'record', str(recording)],
            'agent': ['kvm-insight-agent', *file],
        }
        services: list[Service] = []
        for name, words in commands.items():
            services.insert(0, Service(folder, name, *words))
            stack.callback(services[0].process.kill)
        yield Stage(folder, config, recording, reader, services)
