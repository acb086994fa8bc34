# SPDX-License-Identifier: Apache-2.0
"""Audits: lets Watcher run one of its audits, through its webhook."""

import urllib.parse

from kvm_insight.cloud import client, settings

#: The first one that has webhooks.
_VERSION = '1.4'


class Audits:
    """Asks one Watcher."""

    def __init__(self, asked: settings.Settings) -> None:
        """Ask nobody yet; ConfigError for what cannot work."""
        self._ask = client.Client(asked)

    def trigger(self, audit: str) -> None:
        """Let an audit of type EVENT run once; raise CloudError.

        CloudDeclined when it is running just now.
        """
        path = f'/webhooks/{urllib.parse.quote(audit, safe="")}'
        self._ask.ask('infra-optim', 'POST', path, _VERSION, {})

    def close(self) -> None:
        """Let go of the connection."""
        self._ask.close()
