# SPDX-License-Identifier: Apache-2.0
"""Two libvirtds that reach each other by TLS, with certificates of our own."""

import dataclasses
import pathlib
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator

import pytest
from lab import daemon, guest

HOSTS = ('127.0.0.21', '127.0.0.22')
_NAMES = ','.join(f'IP:{host}' for host in HOSTS)
#: Without cgroups: both hosts are this one, and so is a guest's cgroup.
_QEMU = (
    'user = "root"\ngroup = "root"\ndynamic_ownership = 0\n'
    'cgroup_controllers = []\n'
)


class Reachable(daemon.Lab):
    """A libvirtd that listens on an address of its own."""

    def __init__(
        self, home: pathlib.Path, host: str, number: int, pki: pathlib.Path
    ) -> None:
        super().__init__(home)
        self.host, self.number, self.pki = host, number, pki
        self.place = dataclasses.replace(self.place, partition=None)

    def _command(self) -> tuple[list[str], dict[str, str]]:
        words, environment = super()._command()
        etc = self.home / 'etc'
        with (etc / 'libvirtd.conf').open('a') as file:
            file.write(
                f'listen_addr = "{self.host}"\ntls_port = "{self.number}"\n'
                f'ca_file = "{self.pki}/cacert.pem"\n'
                f'cert_file = "{self.pki}/clientcert.pem"\n'
                f'key_file = "{self.pki}/clientkey.pem"\n'
            )
        (etc / 'qemu.conf').write_text(
            f'{daemon.QEMU_CONF}{_QEMU}migration_address = "{self.host}"\n'
            f'migration_host = "{self.host}"\n'
        )
        return [
            *words[:-1],
            words[-1].replace(' -f ', ' --listen -f '),
        ], environment


@dataclasses.dataclass
class Pair:
    """Both of them."""

    first: Reachable
    second: Reachable

    @property
    def uri(self) -> str:
        return (
            f'qemu+tls://{{host}}:{self.first.number}/system'
            f'?pkipath={self.first.pki}'
        )

    def start(self, name: str, **more: object) -> str:
        """Start a guest on the first; return its UUID."""
        made = guest.Guest(name, '0-1', '600:1', **more)  # type: ignore[arg-type]
        return self.first.start(made).uuid


def certificates(folder: pathlib.Path) -> None:
    """Make an authority, and a key that both sides and clients use."""

    def openssl(*words: str) -> None:
        subprocess.run(
            ['openssl', *words], cwd=folder, check=True, capture_output=True
        )

    new = ['req', '-newkey', 'rsa:2048', '-nodes', '-sha256']
    openssl(
        *new,
        '-x509',
        '-days=2',
        '-subj=/CN=test authority',
        '-keyout=cakey.pem',
        '-out=cacert.pem',
    )
    openssl(
        *new,
        '-subj=/CN=test host',
        '-keyout=clientkey.pem',
        '-out=host.csr',
    )
    (folder / 'extensions').write_text(
        f'subjectAltName = {_NAMES}\n'
        'extendedKeyUsage = serverAuth, clientAuth\n'
        'keyUsage = digitalSignature, keyEncipherment\n'
    )
    openssl(
        'x509',
        '-req',
        '-in=host.csr',
        '-CA=cacert.pem',
        '-CAkey=cakey.pem',
        '-CAcreateserial',
        '-days=2',
        '-extfile=extensions',
        '-out=clientcert.pem',
    )


@pytest.fixture(scope='module')
def pair() -> Iterator[Pair]:
    """Two hosts between which guests migrate."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix='ki-', dir='/var/tmp'))
    labs: list[Reachable] = []
    try:
        pki = folder / 'pki'
        pki.mkdir()
        certificates(pki)
        with socket.socket() as probe:
            probe.bind((HOSTS[0], 0))
            number = probe.getsockname()[1]
        for host in HOSTS:
            labs.append(Reachable(folder / host, host, number, pki))
            labs[-1].up()
        yield Pair(*labs)
    finally:
        for one in labs:
            one.down()
        shutil.rmtree(folder, ignore_errors=True)
