# SPDX-License-Identifier: Apache-2.0
"""The broker's jars: from Maven Central once, then from the cache."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


class BrokerError(Exception):
    """The broker cannot be installed, started or asked."""


def version() -> str:
    """Return the Kafka version that the pom names."""
    found = re.search(
        r'<kafka.version>([^<]+)<', (HERE / 'pom.xml').read_text()
    )
    assert found
    return found[1]


def folder() -> pathlib.Path:
    """Return where the jars are, or will be."""
    cache = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(cache) / 'kvm-insight' / f'kafka-{version()}'


def java() -> str:
    """Return the Java binary."""
    home = os.environ.get('JAVA_HOME')
    found = f'{home}/bin/java' if home else shutil.which('java')
    if not found or not pathlib.Path(found).exists():
        raise BrokerError(
            'Java 17 is missing: apt-get install openjdk-17-jre-headless'
        )
    return found


def install() -> pathlib.Path:
    """Return the folder with all jars, after Maven brought them."""
    libs = folder()
    if libs.exists():
        return libs
    if not shutil.which('mvn'):
        raise BrokerError('Maven is missing: apt-get install maven')
    libs.parent.mkdir(parents=True, exist_ok=True)
    fresh = pathlib.Path(tempfile.mkdtemp(prefix='.kafka-', dir=libs.parent))
    try:
        _download(fresh)
        fresh.rename(libs)
    except OSError:
        # Another run may have been quicker.
        if not libs.exists():
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return libs


def _download(target: pathlib.Path) -> None:
    done = subprocess.run(
        [
            'mvn',
            '-q',
            '-B',
            '-f',
            str(HERE / 'pom.xml'),
            'dependency:copy-dependencies',
            '-DincludeScope=runtime',
            f'-DoutputDirectory={target}',
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BrokerError(f'Maven: {done.stdout[-2000:]}')


def classpath() -> str:
    """Return the class path of the installed jars."""
    return ':'.join(sorted(str(jar) for jar in install().glob('*.jar')))
