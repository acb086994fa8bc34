# SPDX-License-Identifier: Apache-2.0
"""What all commands share: options, log, signals, exit codes."""

import argparse
import contextlib
import importlib.metadata
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

from oslo_config import cfg

from kvm_insight import conf, exception
from kvm_insight.bus import driver, port, topic
from kvm_insight.conf import bus as bus_options
from kvm_insight.conf import log

OK = 0
FAILED = 1
#: Usage or configuration; argparse exits with this, too.
MISUSED = 2
#: Nothing there, or not healthy.
UNHEALTHY = 3


def add_options(parser: argparse.ArgumentParser) -> None:
    """Let the command take what all commands take."""
    add_config_file(parser, None)
    parser.add_argument(
        '--version',
        action='version',
        version=f'%(prog)s {importlib.metadata.version("kvm-insight")}',
    )


def add_config_file(
    parser: argparse.ArgumentParser, default: str | None
) -> None:
    """Let the command be told where its configuration is."""
    parser.add_argument(
        '--config-file',
        action='append',
        default=default,
        metavar='FILE',
        help='configuration; may be given more than once, the last one wins'
        ' (default: /etc/kvm-insight/kvm-insight.conf where there is one)',
    )


def configure(
    args: argparse.Namespace, *, quiet: bool = False
) -> cfg.ConfigOpts:
    """Return the configuration and begin to log; ConfigError if broken.

    ``quiet`` is for what people look at: only warnings, unless the
    configuration says something else.
    """
    loaded = conf.load(getattr(args, 'config_file', None))
    if quiet:
        loaded.set_default('level', 'WARNING', log.GROUP)
    set_log_level(loaded)
    return loaded


def set_log_level(loaded: cfg.ConfigOpts) -> None:
    """Log to standard error; journald adds time and name by itself."""
    plain = '%(levelname)s %(name)s: %(message)s'
    form = plain if 'JOURNAL_STREAM' in os.environ else f'%(asctime)s {plain}'
    logging.basicConfig(format=form)
    logging.getLogger().setLevel(loaded[log.GROUP].level)
    # Their own words about reconnecting; ours say it once and shorter.
    logging.getLogger('kafka').setLevel('ERROR')
    # At debug they tell whole answers: instances' metadata among it.
    for name in ('openstack', 'urllib3'):
        logging.getLogger(name).setLevel('WARNING')
    # As a warning it tells each try at a service that is away, at each poll.
    logging.getLogger('keystoneauth').setLevel('ERROR')
    # Of a clouds.yaml that is broken it tells the place, and what is there.
    logging.getLogger('openstack.config').setLevel('ERROR')


def stop_on_signals() -> threading.Event:
    """Return what SIGTERM and SIGINT set from now on."""
    stop = threading.Event()

    def handle(number: int, frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
    return stop


@contextlib.contextmanager
def open_bus(loaded: cfg.ConfigOpts) -> Iterator[port.Bus]:
    """Open the bus; on an embedded one, make the topics."""
    name, values = bus_options.driver_settings(loaded)
    bus = driver.open_bus(name, values)
    try:
        if name == 'embedded':
            prefix = loaded[bus_options.GROUP].topic_prefix
            bus.create_topics(topic.layout(prefix, partitions=1))
        yield bus
    finally:
        bus.close()


def guard(work: Callable[[], int], program: str = 'kvm-insight') -> int:
    """Return the exit code; an error is one line that says what to do."""
    try:
        return work()
    except exception.ConfigError as why:
        print(f'{program}: {why}', file=sys.stderr)
        return MISUSED
    except exception.KvmInsightError as why:
        print(f'{program}: {why}', file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read us (head, less) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
