# SPDX-License-Identifier: Apache-2.0
"""TLS towards Kafka, with sockets that let the broker's last words through."""

import ssl

from kvm_insight import exception


class PatientSocket(ssl.SSLSocket):
    """Shows the end of a connection one read after its last data.

    When a broker refuses a password it answers and closes. kafka-python
    3.0.12, reading both at once, throws the answer away: the operator would
    never learn why.
    """

    _heard = False

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return data; the end only if no data came right before it."""
        data = super().recv(buflen, flags)
        if not data and self._heard:
            self._heard = False
            raise ssl.SSLWantReadError('the end, next time')
        self._heard = bool(data)
        return data


def context(
    ca_file: str | None,
    cert_file: str | None,
    key_file: str | None,
    key_password: str | None,
    *,
    check_hostname: bool,
) -> ssl.SSLContext:
    """Return a client's context; raise ConfigError for unusable files."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = check_hostname
    made.sslsocket_class = PatientSocket
    try:
        if ca_file is None:
            made.load_default_certs()
        else:
            made.load_verify_locations(ca_file)
        if cert_file is not None:
            made.load_cert_chain(cert_file, key_file, key_password)
    except (OSError, ssl.SSLError) as why:
        raise exception.ConfigError(
            f'[bus] tls_ca_file = {ca_file}, tls_cert_file = {cert_file}, '
            f'tls_key_file = {key_file}: {why}; name PEM files that the '
            'service may read'
        ) from why
    return made
