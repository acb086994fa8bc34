# SPDX-License-Identifier: Apache-2.0
"""What a test broker is configured with: listeners, users, certificates."""

import pathlib
import secrets
import subprocess

from broker import jars

HOST = '127.0.0.1'
#: ``admin`` may do all; the others need ACLs.
USERS = ('admin', 'agent', 'analyzer', 'reader')
_SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
_PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required'

LOG4J = """\
status = error
appender.file.type = File
appender.file.name = file
appender.file.fileName = ${sys:broker.log}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{ISO8601} %-5p [%t] %c{1} %m%n
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
"""


def properties(
    home: pathlib.Path,
    ports: dict[str, int],
    passwords: dict[str, str],
    secret: str,
) -> str:
    """Return server.properties of one broker that is its own controller.

    On the plain port everybody may do everything; authentication and
    authorisation bite on the SASL_SSL port.
    """
    listeners = ','.join(
        f'{name}://{HOST}:{ports[name]}'
        for name in ('PLAINTEXT', 'CONTROLLER', 'SASL_SSL')
    )
    users = ' '.join(f'user_{u}="{word}"' for u, word in passwords.items())
    settings = {
        'process.roles': 'broker,controller',
        'node.id': 1,
        'controller.quorum.voters': f'1@{HOST}:{ports["CONTROLLER"]}',
        'controller.listener.names': 'CONTROLLER',
        'listeners': listeners,
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,'
        'CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
        'inter.broker.listener.name': 'PLAINTEXT',
        'log.dirs': home / 'data',
        'auto.create.topics.enable': 'false',
        # Few partitions of internal topics, or the first group takes seconds.
        'offsets.topic.num.partitions': 4,
        'offsets.topic.replication.factor': 1,
        'transaction.state.log.num.partitions': 4,
        'transaction.state.log.replication.factor': 1,
        'transaction.state.log.min.isr': 1,
        'share.coordinator.state.topic.num.partitions': 4,
        'share.coordinator.state.topic.replication.factor': 1,
        'share.coordinator.state.topic.min.isr': 1,
        'group.initial.rebalance.delay.ms': 0,
        'group.min.session.timeout.ms': 1000,
        'num.network.threads': 2,
        'num.io.threads': 4,
        'log.cleaner.dedupe.buffer.size': 16 << 20,
        'log.cleaner.backoff.ms': 500,
        # A killed broker may come back as soon as its old self has expired.
        'broker.session.timeout.ms': 2000,
        'broker.heartbeat.interval.ms': 500,
        'sasl.enabled.mechanisms': 'SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
        'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': _SCRAM,
        'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': _SCRAM,
        'listener.name.sasl_ssl.plain.sasl.jaas.config': f'{_PLAIN} {users};',
        'ssl.keystore.type': 'PKCS12',
        'ssl.keystore.location': home / 'server.p12',
        'ssl.keystore.password': secret,
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.'
        'StandardAuthorizer',
        'super.users': 'User:ANONYMOUS;User:admin',
        'allow.everyone.if.no.acl.found': 'false',
    }
    return ''.join(f'{key}={value}\n' for key, value in settings.items())


def make_certificates(home: pathlib.Path, secret: str) -> None:
    """Write ``ca.pem`` for clients and ``server.p12`` for the broker."""
    keytool = str(pathlib.Path(jars.java()).resolve().parent / 'keytool')

    def run(*words: str, text: bytes = b'') -> bytes:
        done = subprocess.run(
            [keytool, *words, '-storepass', secret, '-storetype', 'PKCS12'],
            input=text,
            capture_output=True,
            cwd=home,
            check=False,
        )
        if done.returncode:
            raise jars.BrokerError(f'keytool {words[0]}: {done.stdout!r}')
        return done.stdout

    key = ('-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '365')
    ca = ('-keystore', 'ca.p12', '-alias', 'ca')
    server = ('-keystore', 'server.p12', '-alias', 'server')
    run('-genkeypair', *ca, *key, '-dname', 'CN=test CA', '-ext', 'bc:c')
    authority = run('-exportcert', '-rfc', *ca)
    (home / 'ca.pem').write_bytes(authority)
    run('-genkeypair', *server, *key, '-dname', 'CN=localhost')
    signed = run(
        '-gencert',
        '-rfc',
        *ca,
        '-ext',
        'san=dns:localhost,ip:127.0.0.1',
        '-ext',
        'ku=digitalSignature',
        text=run('-certreq', *server),
    )
    run('-importcert', '-noprompt', *server, text=signed + authority)


def make_passwords() -> dict[str, str]:
    """Return a new password for each user."""
    return {user: secrets.token_hex(12) for user in USERS}
